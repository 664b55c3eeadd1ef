"""Presentations: a department asks a wallet for some claims of a credential, with a purpose, and checks what comes."""
