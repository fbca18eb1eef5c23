"""The whole stack on one machine without Docker, and the demo on it: `python -m orchestration.stack`.

PostgreSQL for Dagster's memory, an S3 server that enforces Object Lock for the archive, Trino for questions, a
pretend tenant, and Dagster's code server, daemon and webserver. Promise: everything listens on 127.0.0.1 only,
lives in one folder that is made anew, and ends when this process does.
"""
