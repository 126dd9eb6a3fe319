"""What services do with their tokens: outside their manifest, again and again, or in somebody else's hands.

Example: ``services.ai_outside_manifest.RULE`` holds a read against the approved manifest.
"""
