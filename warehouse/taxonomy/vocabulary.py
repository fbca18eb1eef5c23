"""The closed vocabularies an event type is classified with, each word with its meaning.

Promise: `event_types.csv` uses no word that is not here, and every word here is used or says that it is not.
The meanings are written for auditors; marts, rules and SIEM mappings may rely on them.
"""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "unknown"

# The verb says what the actor did or tried to do; `outcome` says how that ended. So a failed deletion is
# verb `deleted` with outcome `failure`, and a filter on a verb alone also finds attempts and failures.
VERBS: Final[dict[str, str]] = {
    "created": "a thing came to exist",
    "updated": "a thing changed; which way (on or off, wider or narrower) the record says",
    "deleted": "a thing, or its content, is gone or is to go",
    "archived": "a thing was put away and can no longer be used",
    "restored": "an earlier state is in force again",
    "viewed": "one thing was opened or read",
    "listed": "many things were read in one go",
    "accessed": "an interface or a shared link was used",
    "exported": "data was written out of Claude, or a file for that was made",
    "uploaded": "a file or package was brought into Claude",
    "downloaded": "the content of a file, or a finished export, was fetched",
    "published": "a thing was made visible to a wider audience",
    "unpublished": "a published thing was taken back",
    "enabled": "a feature, setting or thing was switched on",
    "disabled": "a feature, setting or thing was switched off",
    "added": "a member or part was put into a set",
    "removed": "a member or part was taken out of a set",
    "granted": "a right, role or credit was given",
    "revoked": "a right, credential, device, share or session was taken away",
    "invited": "somebody was asked to join",
    "requested": "something was asked for that another must decide",
    "accepted": "an invitation or request was said yes to",
    "rejected": "an invitation or request was said no to: a decision carried out, not an access that failed",
    "decided": "a request was answered; the record says yes or no",
    "authenticated": "somebody proved, or tried to prove, who they are",
    "logged_out": "a session was ended by its user",
    "verified": "a claim, key, code, signature or request was checked",
    "issued": "a secret or token was handed out",
    "rotated": "a secret or link was replaced by a new one",
    "connected": "an outside account or system was linked",
    "disconnected": "an outside account or system was unlinked",
    "blocked": "a control stopped what was tried, so the outcome is never a success",
    "reported": "somebody called attention to a thing",
    "started": "a job or process began; its result comes later",
    "completed": "a job or process ended well",
    "failed": "a job or process ended badly",
    "cancelled": "something planned or running was called off",
    UNKNOWN: "no word of the name is a known verb; only for types that are not listed",
}

CATEGORIES: Final[dict[str, str]] = {
    "authentication": "sign-ins, second factors, further identity checks, workload and device sign-in",
    "session": "sign-out and ended sessions",
    "device": "trusted devices and the passkeys on them",
    "identity_lifecycle": "people coming to and leaving the organisation: invitations, joins, provisioning",
    "access_control": "roles, permissions, capabilities, ownership, workspace membership",
    "group": "groups and their members",
    "credential": "keys, secrets, tokens, machine identities and what they are trusted for",
    "identity_provider": "single sign-on, directory sync, domains, outside identity platforms",
    "security_settings": "switches and policies that protect data or limit what Claude may do",
    "organization_settings": "other settings, features, workspaces and the organisation's own existence",
    "compliance": "the compliance interface and its settings, consents, verification, assurance programmes",
    "data_export": "data leaving Claude as an export, and the fetching of exports",
    "file": "files and documents",
    "content": "chats, projects, artifacts and designs, apart from their files and their sharing",
    "sharing": "content made reachable for others, or no longer",
    "integration": "MCP servers, tunnels, connectors, code hosts, chat systems, content sync",
    "extension": "plugins, skills, commands, marketplaces, desktop extensions",
    "agent": "agents, their sessions, runners, memory, deployments and network policy",
    "code_security": "code review and security scanning: settings, scans, findings",
    "billing": "subscriptions, seats, spend and rate limits, payment, cost and usage reports",
    "user_settings": "a person's own settings",
    "security_signal": "a detector, an inspection or a report spoke up",
    UNKNOWN: "only for types that are not listed",
}

OUTCOMES: Final[dict[str, str]] = {
    "success": "it happened",
    "failure": "it was refused, blocked or did not work",
    "attempt": "begun, asked for or scheduled; whether it happens is another event",
    UNKNOWN: "the type does not say; read it from the record where `outcome_field` names a place",
}

# In rising order.
SEVERITIES: Final[dict[str, str]] = {
    "informational": "daily use and routine reads; keep, do not look",
    "low": "routine administration, removals of rights, single failures; look when it clusters",
    "medium": "changes who or what can reach data, spend or tools, or may share outside; review",
    "high": "can weaken a protection of the whole organisation, opens a new trust, takes data out in bulk",
    "critical": "cannot be undone, can blind the audit, or moves the highest right; confirm at once",
}

DATA_MOVEMENTS: Final[dict[str, str]] = {
    "upload": "into Claude",
    "download": "content fetched from Claude",
    "export": "written out of Claude, or prepared for it",
    "share": "made reachable for others, or the terms of that changed",
    "unshare": "no longer reachable for others",
}

READING_VERBS: Final = frozenset({"viewed", "listed", "accessed", "downloaded", "exported"})
