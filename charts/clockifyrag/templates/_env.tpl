{{/* The operator's settings as its environment; docs/operator.md has what each means. */}}
{{- define "clockifyrag.env" -}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: SERVICE_IMAGE, value: {{ include "clockifyrag.image" (list . "service") | quote }}}
- {name: INDEX_BUILDER_IMAGE, value: {{ include "clockifyrag.image" (list . "indexBuilder") | quote }}}
- {name: OLLAMA_IMAGE, value: {{ include "clockifyrag.image" (list . "ollama") | quote }}}
{{- with .Values.watchNamespaces }}
- {name: WATCH_NAMESPACES, value: {{ join "," . | quote }}}
{{- end }}
{{- /* Empty would mean unset, and that is any image; one comma is a list of none. */}}
- {name: ALLOWED_IMAGES, value: {{ join "," .Values.allowedImages | default "," | quote }}}
{{- with .Values.allowedPrivateHosts }}
- {name: ALLOWED_PRIVATE_HOSTS, value: {{ join "," . | quote }}}
{{- end }}
- {name: ALLOW_ALERTS, value: {{ .Values.allowAlerts | quote }}}
- {name: ALERT_FOR, value: {{ .Values.alertFor | quote }}}
- {name: RUNBOOKS, value: {{ .Values.monitoring.runbooks | quote }}}
- {name: API_PORT, value: "8080"}
- {name: LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
- {name: LEASE_NAME, value: {{ include "clockifyrag.fullname" . | quote }}}
{{- /* As JSON: printed otherwise, a million would be 1e+06. */}}
{{- range $name, $value := .Values.operator.settings }}
- {name: {{ $name | snakecase | upper }}, value: {{ $value | toJson | trimAll "\"" | quote }}}
{{- end }}
{{- end -}}
