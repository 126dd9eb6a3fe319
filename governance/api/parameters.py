"""What the API's description says beside the routes: the parameters of paths, and the groups that operations are in."""

from collections.abc import Mapping

from governance.web.openapi import Group

PARAMETERS: Mapping[str, str] = {
    "agreement_id": "Id of an agreement, such as wm-direct-care.",
    "alert_id": "Id of an alert, a-… .",
    "archive": "Client id of the registered archive.",
    "client_id": "Id of a registered service.",
    "handle": "Handle of a session at the console.",
    "hold_id": "Id of a legal hold.",
    "identifier": "Id of an AuditEvent: its index in the log.",
    "index": "Place in the log, counted from 0.",
    "key_id": "Id of a signatory's public key.",
    "kind": "Kind of the link that is asked for.",
    "name": "Name of a bundle, or path of a tile or of a bundle of entries (C2SP tlog-tiles).",
    "original": "Path of the request that the archive got.",
    "reference": "Reference of a question to somebody, q-… .",
    "series_uid": "Series instance UID.",
    "service_id": "Id of an AI service.",
    "study": "Study instance UID.",
    "study_uid": "Study instance UID.",
    "suppression_id": "Id of a suppression.",
    "task_id": "Id of an access request.",
    "tenant": "Name of a tenant.",
    "version": "Version of an AI service.",
}

_SERVICES = "Services that ask for decisions and tokens"
_ARCHIVES = "Archives and the gateways in front of them"
_SENDERS = "Systems that send audit records and feeds"
_REVIEWERS = "Officers, auditors and the SOC"
_OFFICE = "The network's office"
_OPERATORS = "Operators, and trusts' own policy engines"

GROUPS: tuple[Group, ...] = (
    Group("decisions", "Ask whether somebody may do something with a study (AuthZEN 1.0).", _SERVICES),
    Group("tokens", "Get, inspect and revoke access tokens (OAuth 2.0, RFC 8693).", _SERVICES),
    Group("tenants", "Decisions of other policies behind the same decision point.", _SERVICES),
    Group("enforcement", "Have each request at an archive admitted, and its lists filtered.", _ARCHIVES),
    Group("context", "Tell of studies, staff, patients and the relationships between them.", _SENDERS),
    Group("audit", "Record what happened, search it, and prove that it is there.", _SENDERS),
    Group("alerts", "List, read, review and follow alerts and notices, and hold some back.", _REVIEWERS),
    Group("holds", "Put persons and cases on hold, so that nothing of them is erased.", _REVIEWERS),
    Group("log", "Checkpoints, tiles and entries of the log, for who verifies or replicates it (C2SP).", _REVIEWERS),
    Group("agreements", "Load, sign, activate, end and compare data-sharing agreements.", _OFFICE),
    Group("federation", "Register and end trusts, issuers, services, AI manifests and console accounts.", _OFFICE),
    Group("opa", "Signed bundles for a trust's own OPA, and what it reports.", _OPERATORS),
    Group("operations", "Health, readiness, metrics, and this description.", _OPERATORS),
)
