"""A line of each context feed; the description of the API shows them and a test sends them."""

STUDY = (
    '{"id": "1.2.826.0.1.3680043.10.1999.9.1", "custodians": ["RRK"], "patient": "9990000018", "modality": "CT", '
    '"body_part": "HEAD", "study_date": "2026-11-03"}\n'
)
EDGE = (
    '{"id": "worklist-1", "kind": "worklist", "subject": "radiologist.rkb", "patient": "9990000018", "ods": "RRK", '
    '"from": "2026-11-03T08:00:00Z", "until": "2026-11-04T08:00:00Z", "source": "ris-rrk"}\n'
)
STAFF = '{"id": "radiologist.rrk", "ods": "RRK", "role": "consultant_radiologist", "training_valid_to": "2027-03-31"}\n'
PATIENT = '{"id": "9990000018", "flags": ["vip"]}\n'
