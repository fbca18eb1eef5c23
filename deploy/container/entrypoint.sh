#!/bin/sh
# What a container of this image is: code-server, daemon, webserver, auditor-webserver, or any `ledgerline` command.
set -eu
# Dagster reads its settings from its home, which may be an empty volume that several containers share.
cp /opt/ledgerline/etc/dagster.yaml "$DAGSTER_HOME/.dagster.yaml.$$"
mv "$DAGSTER_HOME/.dagster.yaml.$$" "$DAGSTER_HOME/dagster.yaml"
# Where no file can be laid beside it (a task, a function), the configuration comes in a variable. It holds no secret.
if [ -n "${LEDGERLINE_CONFIG_TOML:-}" ]; then
  printf '%s\n' "$LEDGERLINE_CONFIG_TOML" > "$DAGSTER_HOME/ledgerline.toml"
  export LEDGERLINE_CONFIG="$DAGSTER_HOME/ledgerline.toml"
fi
workspace=/opt/ledgerline/etc/workspace.yaml
case "${1:-code-server}" in
  code-server) exec dagster code-server start -h 0.0.0.0 -p 4000 -m orchestration.definitions ;;
  daemon) exec dagster-daemon run -w "$workspace" ;;
  webserver) exec python -m orchestration.ui_server -h 0.0.0.0 -p 3000 -w "$workspace" ;;
  auditor-webserver) exec python -m orchestration.ui_server -h 0.0.0.0 -p 3000 -w "$workspace" --read-only ;;
  *) exec ledgerline "$@" ;;
esac
