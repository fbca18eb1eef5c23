"""The content packs under `deploy/siem/`, made from the mapping tables: `python -m warehouse.delivery.packs`.

Promise: the committed packs are exactly what this writes; a test holds them together. No pack holds a secret or an
address of anybody.
"""
