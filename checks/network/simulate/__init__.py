"""Following one concrete packet through a cloud's wire JSON, naively: the second opinion on every witness of the prover."""
