"""What the vendor documents of usage and cost rows: fields, values, kinds of actor (reference 3.3 and 3.5).

Whatever is not listed here is kept and tagged in `unknown_fields`; `model` is an open set and never tagged.
"""

ROW_FIELDS = frozenset({"starting_at", "ending_at", "group"})
GROUP_FIELDS = frozenset(
    [
        "actor",
        "actor_type",
        "agent_id",
        "api_key_id",
        "claude_tag_category",
        "claude_tag_user_id",
        "context_window",
        "deployment_id",
        "environment_id",
        "inference_geo",
        "model",
        "organization_id",
        "product",
        "rbac_group_id",
        "service_tier",
        "session_id",
        "slack_channel_id",
        "speed",
        "user_profile_id",
        "workspace_id",
        "cost_type",
        "token_type",
    ]
)
COST_FIELDS = frozenset({"amount", "list_amount", "currency", "requests"})
USAGE_FIELDS = frozenset(
    [
        "uncached_input_tokens",
        "cache_creation",
        "cache_read_input_tokens",
        "output_tokens",
        "total_tokens",
        "server_tool_use",
        "requests",
    ]
)
# What a bucket of the legacy reports and a row of theirs have beside the figures (reference 3.4).
BUCKET_FIELDS = frozenset({"starting_at", "ending_at", "results"})
LEGACY_DIMENSIONS = frozenset(
    {
        "product",
        "model",
        "context_window",
        "inference_geo",
        "speed",
        "rbac_group_id",
        "slack_channel_id",
        "claude_tag_category",
        "claude_tag_user_id",
        "cost_type",
        "token_type",
        "actor",
    }
)
# How the legacy reports spell products that the current API spells otherwise.
OLD_PRODUCTS = frozenset({"claude-tag", "claude-in-slack"})
CACHE_FIELDS = frozenset({"ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"})
TOOL_FIELDS = frozenset({"web_search_requests"})
VALUES = {
    "product": frozenset(
        [
            "chat",
            "chat_cowork_unified",
            "claude_code",
            "claude_console",
            "claude_design",
            "claude_in_chrome",
            "claude_tag",
            "cowork",
            "managed_agents_api",
            "message_batches_api",
            "messages_api",
            "office_agent",
            "cc_security_autopatch",
            "other",
        ]
    ),
    "context_window": frozenset({"0-200k", "200k-1M"}),
    "cost_type": frozenset({"tokens", "web_search", "code_execution", "session_usage"}),
    "token_type": frozenset(
        {
            "uncached_input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation.ephemeral_5m_input_tokens",
            "cache_creation.ephemeral_1h_input_tokens",
        }
    ),
}
CURRENCY = "USD"
# The field that says who it is, and what else is listed, by kind of actor.
ACTOR_ID = {
    "user_actor": "user_id",
    "service_account_actor": "service_account_id",
    "api_actor": "api_key_id",
    "federated_actor": "subject",
}
ACTOR_FIELDS = {
    "user_actor": frozenset({"type", "user_id", "email_address", "email", "name", "deleted"}),
    "service_account_actor": frozenset({"type", "service_account_id"}),
    "api_actor": frozenset({"type", "api_key_id"}),
    "federated_actor": frozenset({"type", "provider", "subject"}),
}
# What may change about an actor without its being another one.
ACTOR_CHANGES = frozenset({"email_address", "email", "name", "deleted"})
