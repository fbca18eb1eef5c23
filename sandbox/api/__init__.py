"""The tenant over HTTP: the vendor's endpoints as documented, and the sandbox's own controls under /_sandbox/."""
