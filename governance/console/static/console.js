import { initAll } from "./vendor/nhsuk-frontend.min.js";

initAll();
