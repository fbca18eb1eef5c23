"""ledgerline.toml -> one frozen, validated Settings; secrets stay references until they are revealed.

settings = load()                               # --config, $LEDGERLINE_CONFIG or ./ledgerline.toml
key = settings.anthropic.keys.compliance.reveal()
"""

from warehouse.config.anthropic import Anthropic
from warehouse.config.archive import Archive
from warehouse.config.errors import ConfigError, ConfigInvalid, ConfigMissing, Problem, SecretUnavailable
from warehouse.config.reading import CONFIG_VARIABLE, DEFAULT_NAME, config_path, load, parse
from warehouse.config.secrets import SecretRef
from warehouse.config.settings import Settings
from warehouse.config.values import url_of

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_NAME",
    "Anthropic",
    "Archive",
    "ConfigError",
    "ConfigInvalid",
    "ConfigMissing",
    "Problem",
    "SecretRef",
    "SecretUnavailable",
    "Settings",
    "config_path",
    "load",
    "parse",
    "url_of",
]
