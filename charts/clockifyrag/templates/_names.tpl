{{/* Name of the operator's objects. */}}
{{- define "clockifyrag.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains "clockifyrag" .Release.Name -}}
{{- printf "%s-operator" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-clockifyrag-operator" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "clockifyrag.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "clockifyrag.fullname" .) -}}
{{- end -}}

{{/* What selects the operator's pods. The name is fixed: network policies of resources let pods of that name in. */}}
{{- define "clockifyrag.selector" -}}
app.kubernetes.io/name: clockifyrag-operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "clockifyrag.labels" -}}
{{ include "clockifyrag.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: clockifyrag
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* These and further ones, of (list . further); ours win. */}}
{{- define "clockifyrag.labelsWith" -}}
{{- merge (include "clockifyrag.labels" (index . 0) | fromYaml) (index . 1) | toYaml -}}
{{- end -}}

{{/* An image's name, of (list . "service"). As everywhere, a first part with a dot or a colon in it names a registry. */}}
{{- define "clockifyrag.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- $first := splitList "/" $image.repository | first -}}
{{- if and $root.Values.imageRegistry (not (or (contains "." $first) (contains ":" $first) (eq $first "localhost"))) -}}
{{- trimSuffix "/" $root.Values.imageRegistry }}/
{{- end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ default $root.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{/* "yes" or nothing: whether an object of monitoring.coreos.com is made, of (list . "ServiceMonitor" value). */}}
{{- define "clockifyrag.monitored" -}}
{{- $root := index . 0 -}}
{{- $wanted := index . 2 -}}
{{- $known := $root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" (index . 1)) -}}
{{- if or (eq $wanted "Enabled") (and (eq $wanted "Auto") $known) }}yes{{ end -}}
{{- end -}}

{{- define "clockifyrag.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "clockifyrag.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "clockifyrag.testLabels" -}}
app.kubernetes.io/name: clockifyrag-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: clockifyrag
{{- end -}}

{{/* Where the resource is that `helm test` asks, and that the notes make. */}}
{{- define "clockifyrag.testNamespace" -}}
{{- .Values.test.namespace | default (default (list) .Values.watchNamespaces | first | default .Release.Namespace) -}}
{{- end -}}
