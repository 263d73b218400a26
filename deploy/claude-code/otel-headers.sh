#!/bin/sh
# Prints the headers that Claude Code sends with its telemetry: the key of this machine or person.
#
# Claude Code runs it at its start and again every half hour (CLAUDE_CODE_OTEL_HEADERS_HELPER_DEBOUNCE_MS), and for
# OTLP over HTTP only. A key that was rotated is so taken up while agents run, as long as the old one is taken
# meanwhile: granary keys rotate ID --grace 7d. If it fails, Claude Code exports nothing.
#
# The key is the first line of the first of these files that can be read:
#   $GRANARY_TOKEN_FILE    ~/.config/granary/token    /etc/claude-code/granary-token
set -eu

for file in "${GRANARY_TOKEN_FILE:-}" "${HOME:-/nonexistent}/.config/granary/token" /etc/claude-code/granary-token; do
    if [ -n "$file" ] && [ -r "$file" ]; then
        token=$(head -n 1 "$file")
        case $token in
            '' | *[!A-Za-z0-9_-]*)
                echo "otel-headers: $file does not hold a key as \`granary keys create\` prints it" >&2
                exit 1
                ;;
        esac
        printf '{"Authorization": "Bearer %s"}\n' "$token"
        exit 0
    fi
done
echo "otel-headers: no key in \$GRANARY_TOKEN_FILE, ~/.config/granary/token or /etc/claude-code/granary-token" >&2
exit 1
