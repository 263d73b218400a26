{{/*
What the roles are told, as environment variables, and the files that these name.

A role gets the passwords that it needs and no others. Arguments of all: root, and which ClickHouse users and whether the
archive.
*/}}

{{- define "granary.env" -}}
{{- $values := .root.Values -}}
- {name: GRANARY_LOG_LEVEL, value: {{ $values.log.level | quote }}}
- {name: GRANARY_LOG_FORMAT, value: {{ $values.log.format | quote }}}
{{- if $values.settings }}
- {name: GRANARY_CONFIG, value: /etc/granary/settings/granary.toml}
{{- end }}
- {name: GRANARY_CLICKHOUSE_URL, value: {{ $values.clickhouse.url | quote }}}
- {name: GRANARY_CLICKHOUSE_DATABASE, value: {{ $values.clickhouse.database | quote }}}
- {name: GRANARY_CLICKHOUSE_PUBLISHED_DATABASE, value: {{ $values.clickhouse.publishedDatabase | quote }}}
{{- if $values.clickhouse.ca.configMap }}
# The system's certificates are in the folder.
- {name: SSL_CERT_FILE, value: /etc/granary/clickhouse-ca/ca.crt}
- {name: SSL_CERT_DIR, value: /etc/ssl/certs}
{{- end }}
{{- if has "owner" .users }}
- {name: GRANARY_CLICKHOUSE_USER, value: {{ $values.clickhouse.user | quote }}}
- {name: GRANARY_CLICKHOUSE_PASSWORD_FILE, value: /etc/granary/secrets/clickhouse-password}
{{- end }}
{{- if has "reader" .users }}
- {name: GRANARY_CLICKHOUSE_READER_USER, value: {{ $values.clickhouse.readerUser | quote }}}
- {name: GRANARY_CLICKHOUSE_READER_PASSWORD_FILE, value: /etc/granary/secrets/clickhouse-reader-password}
{{- end }}
{{- if $values.clickhouse.guestUser }}
{{- if or (has "guest" .users) (has "publisher" .users) }}
# There is such a user, so the views are made that it reads.
- {name: GRANARY_CLICKHOUSE_GUEST_USER, value: {{ $values.clickhouse.guestUser | quote }}}
{{- end }}
{{- if has "guest" .users }}
- {name: GRANARY_CLICKHOUSE_GUEST_PASSWORD_FILE, value: /etc/granary/secrets/clickhouse-guest-password}
{{- end }}
{{- end }}
{{- if and $values.clickhouse.auditorUser (has "auditor" .users) }}
- {name: GRANARY_CLICKHOUSE_AUDITOR_USER, value: {{ $values.clickhouse.auditorUser | quote }}}
- {name: GRANARY_CLICKHOUSE_AUDITOR_PASSWORD_FILE, value: /etc/granary/secrets/clickhouse-auditor-password}
{{- end }}
{{- if .redacts }}
- {name: GRANARY_REDACT_IDENTITY, value: {{ $values.redact.identity | quote }}}
{{- if eq $values.redact.identity "hash" }}
- {name: GRANARY_REDACT_HASH_KEY_FILE, value: /etc/granary/secrets/redact-hash-key}
{{- end }}
{{- end }}
{{- if .archive }}
{{- $s3 := $values.archive.s3 }}
- {name: GRANARY_ARCHIVE_URL, value: {{ $values.archive.url | quote }}}
{{- with $s3.endpoint }}
- {name: GRANARY_ARCHIVE_S3_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with $s3.region }}
- {name: GRANARY_ARCHIVE_S3_REGION, value: {{ . | quote }}}
{{- end }}
- {name: GRANARY_ARCHIVE_S3_PATH_STYLE, value: {{ $s3.pathStyle | quote }}}
{{- with $s3.accessKeyId }}
- {name: GRANARY_ARCHIVE_S3_ACCESS_KEY_ID, value: {{ . | quote }}}
- {name: GRANARY_ARCHIVE_S3_SECRET_ACCESS_KEY_FILE, value: /etc/granary/secrets/s3-secret-access-key}
{{- end }}
{{- if $s3.ca.configMap }}
- {name: GRANARY_ARCHIVE_S3_CA_FILE, value: /etc/granary/store-ca/ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{/* The keys of the Secret with the passwords that such a role needs, as a JSON list. */}}
{{- define "granary.passwords" -}}
{{- $values := .root.Values -}}
{{- $keys := list -}}
{{- if has "owner" .users }}{{ $keys = append $keys "clickhouse-password" }}{{ end -}}
{{- if has "reader" .users }}{{ $keys = append $keys "clickhouse-reader-password" }}{{ end -}}
{{- if and $values.clickhouse.guestUser (has "guest" .users) }}{{ $keys = append $keys "clickhouse-guest-password" }}{{ end -}}
{{- if and $values.clickhouse.auditorUser (has "auditor" .users) }}{{ $keys = append $keys "clickhouse-auditor-password" }}{{ end -}}
{{- if and .redacts (eq $values.redact.identity "hash") }}{{ $keys = append $keys "redact-hash-key" }}{{ end -}}
{{- if and .archive $values.archive.s3.accessKeyId }}{{ $keys = append $keys "s3-secret-access-key" }}{{ end -}}
{{- if .peers }}{{ $keys = append $keys "peer-secret" }}{{ end -}}
{{- if .cursors }}{{ $keys = append $keys "cursor-key" }}{{ end -}}
{{- toJson $keys -}}
{{- end }}

{{/* Folders and not files: what is renewed would stay the old one in the mount of a file. */}}
{{- define "granary.mounts" -}}
{{- $values := .root.Values -}}
- {name: secrets, mountPath: /etc/granary/secrets, readOnly: true}
{{- if $values.settings }}
- {name: settings, mountPath: /etc/granary/settings, readOnly: true}
{{- end }}
{{- if .keys }}
- {name: keys, mountPath: /etc/granary/keys, readOnly: true}
{{- end }}
{{- if $values.clickhouse.ca.configMap }}
- {name: clickhouse-ca, mountPath: /etc/granary/clickhouse-ca, readOnly: true}
{{- end }}
{{- if and .archive $values.archive.s3.ca.configMap }}
- {name: store-ca, mountPath: /etc/granary/store-ca, readOnly: true}
{{- end }}
{{- with .tls }}
{{- if .existingSecret }}
- {name: tls, mountPath: /etc/granary/tls, readOnly: true}
{{- end }}
{{- if .clientCa.existingSecret }}
- {name: client-ca, mountPath: /etc/granary/client-ca, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "granary.volumes" -}}
{{- $values := .root.Values -}}
- name: secrets
  secret:
    secretName: {{ .secretName | default (include "granary.secretName" .root) }}
    # For the group, which is the pod's fsGroup.
    defaultMode: 288  # 0440
    items:
      {{- range include "granary.passwords" . | fromJsonArray }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
{{- if $values.settings }}
- name: settings
  configMap:
    name: {{ .settingsName | default (printf "%s-settings" (include "granary.fullname" .root)) }}
{{- end }}
{{- if .keys }}
- name: keys
  secret:
    secretName: {{ include "granary.keysSecretName" .root }}
    defaultMode: 288  # 0440
    items:
      - {key: {{ $values.keys.key }}, path: keys.toml}
{{- end }}
{{- with $values.clickhouse.ca }}
{{- if .configMap }}
- name: clickhouse-ca
  configMap:
    name: {{ .configMap }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- if .archive }}
{{- with $values.archive.s3.ca }}
{{- if .configMap }}
- name: store-ca
  configMap:
    name: {{ .configMap }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end }}
{{- with .tls }}
{{- if .existingSecret }}
- name: tls
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288  # 0440
    items:
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
{{- end }}
{{- if .clientCa.existingSecret }}
- name: client-ca
  secret:
    secretName: {{ .clientCa.existingSecret }}
    defaultMode: 288  # 0440
    items:
      - {key: {{ .clientCa.key }}, path: ca.crt}
{{- end }}
{{- end }}
{{- end }}

{{/* Arguments: tls, section. */}}
{{- define "granary.tlsEnv" -}}
{{- if .tls.existingSecret }}
- {name: GRANARY_{{ .section }}_TLS_CERT, value: /etc/granary/tls/tls.crt}
- {name: GRANARY_{{ .section }}_TLS_KEY, value: /etc/granary/tls/tls.key}
{{- if .tls.clientCa.existingSecret }}
- {name: GRANARY_{{ .section }}_TLS_CLIENT_CA, value: /etc/granary/client-ca/ca.crt}
{{- end }}
{{- end }}
{{- end }}
