"""An OPA server as an engine: the line to it, whether it is trusted, and the two engines that ask it.

``line`` calls the server, ``held`` compares what it holds, ``host`` gives, reads back and says whether it may be asked.
``engine`` is the network's engine (``decisions/engine.py``), ``tenant`` a tenant's (``decisions/tenant_engine.py``).
"""
