"""Checking a proof of inclusion as somebody outside does: by the log's public key and the entry's bytes."""

from governance.audit import InclusionProof, NoteVerifier, merkle


def proves(proof: InclusionProof, entry: bytes, verifier: NoteVerifier) -> bool:
    """Say whether the proof shows that the entry is in the log; raises ValueError for another log's checkpoint."""
    head = verifier.verify(proof.checkpoint)
    return merkle.verify_inclusion(merkle.leaf_hash(entry), proof.index, head.size, proof.hashes, head.root)
