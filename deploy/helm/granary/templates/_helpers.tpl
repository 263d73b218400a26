{{/* Names and labels. */}}

{{- define "granary.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Room is left for "-archiver" and what a StatefulSet appends. */}}
{{- define "granary.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Arguments: root, role. */}}
{{- define "granary.selector" -}}
app.kubernetes.io/name: {{ include "granary.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "granary.labels" -}}
{{ include "granary.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{- define "granary.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Arguments: root, role. */}}
{{- define "granary.serviceAccountName" -}}
{{- $account := (index .root.Values .role).serviceAccount -}}
{{- $own := ternary (printf "%s-%s" (include "granary.fullname" .root) .role) "default" $account.create -}}
{{- $account.name | default $own -}}
{{- end }}

{{/* The Secret with the passwords. */}}
{{- define "granary.secretName" -}}
{{- .Values.secrets.existing | default (printf "%s-passwords" (include "granary.fullname" .)) -}}
{{- end }}

{{/* The Secret with the keys of senders and askers, and its key. */}}
{{- define "granary.keysSecretName" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "granary.fullname" .)) -}}
{{- end }}

{{/* The port of an address, which may be left out. */}}
{{- define "granary.portOf" -}}
{{- $port := regexFind ":[0-9]+$" (urlParse .).host -}}
{{- if $port -}}
{{- trimPrefix ":" $port -}}
{{- else -}}
{{- ternary "443" "80" (hasPrefix "https://" .) -}}
{{- end -}}
{{- end }}

{{/* Arguments: root, role. As whom and where its pods run. */}}
{{- define "granary.placement" -}}
{{- $own := index .root.Values .role -}}
serviceAccountName: {{ include "granary.serviceAccountName" . }}
{{- with $own.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $own.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := deepCopy $own.affinity }}
{{- if and $own.keepApart (not (hasKey $affinity "podAntiAffinity")) }}
{{- $terms := list }}
{{- $selector := include "granary.selector" . | fromYaml }}
{{- range $own.keepApart }}
{{- $terms = append $terms (dict "weight" 100 "podAffinityTerm" (dict "topologyKey" . "labelSelector" (dict "matchLabels" $selector))) }}
{{- end }}
{{- $affinity = set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" $terms) }}
{{- end }}
{{- with $affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $own.topologySpread }}
topologySpreadConstraints:
{{- range $own.topologySpread }}
  - topologyKey: {{ .topologyKey }}
    maxSkew: {{ .maxSkew }}
    whenUnsatisfiable: {{ .whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "granary.selector" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end }}

{{/* Arguments: root, role. Labels and annotations of its pods. */}}
{{- define "granary.podMetadata" -}}
{{- $own := index .root.Values .role -}}
labels:
  {{- /* Without versions: a new one of the chart alone is no reason to start the pods anew. */}}
  {{- include "granary.selector" . | nindent 2 }}
  {{- with $own.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ .role }}
  {{- /* Passwords and settings are read at the start; what the chart makes of them starts the pods anew. */}}
  checksum/settings: {{ .root.Values.settings | sha256sum }}
  {{- if not .root.Values.secrets.existing }}
  checksum/passwords: {{ .root.Values.secrets | toJson | sha256sum }}
  {{- end }}
  {{- with $own.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "granary.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # A volume with a large log is not walked through at each start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "granary.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
{{- end }}
