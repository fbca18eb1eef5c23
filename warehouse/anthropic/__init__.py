"""The API clients: windows in, pages out. Knows no archive, no table and no configuration file.

Promise: what comes out is verbatim and complete, or an error that says what to do. A new stream is one module
here.
"""
