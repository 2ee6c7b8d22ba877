namespace Knet.Serving.Config;

/// <summary>The <c>_example</c> texts: every key with its default and what it does. Nothing in them takes effect.</summary>
internal static class ConfigExamples
{
    private const string Intro =
        """
        # This block is documentation and has no effect: copy a key out of it, to the level of _example, and change it there.
        # Values that are not set have the defaults shown here.

        """;

    public const string Defaults = Intro +
        """
        # Seconds a request may take in all, when a Revision does not say; and the most that a Revision may ask for.
        revision-timeout-seconds: "300"
        max-revision-timeout-seconds: "600"
        # Seconds until the first byte of a response (default: as revision-timeout-seconds), and without any byte (0: no limit).
        revision-response-start-timeout-seconds: "300"
        revision-idle-timeout-seconds: "0"
        # Resources of user containers that name none; unset by default.
        revision-cpu-request: "400m"
        revision-memory-request: "100M"
        revision-ephemeral-storage-request: "500M"
        revision-cpu-limit: "1000m"
        revision-memory-limit: "200M"
        revision-ephemeral-storage-limit: "750M"
        # Names of containers without a name, as Go templates over the Service's metadata.
        container-name-template: "user-container"
        init-container-name-template: "init-container"
        # Requests at once for one instance: the default (0: no limit), the highest that may be asked for, and whether 0 may be.
        container-concurrency: "0"
        container-concurrency-max-limit: "1000"
        allow-container-concurrency-zero: "true"
        # Whether pods get environment variables for every Service of their namespace: true, false, or default (as Kubernetes has it).
        enable-service-links: "false"
        """;

    public const string Deployment = Intro +
        """
        # Image of the sidecar. Knet's node provides the sidecar itself and never pulls this name.
        queue-sidecar-image: "knet.dev/queue-proxy"
        # Registries whose tags are used as they are instead of being resolved to digests.
        registries-skipping-tag-resolving: "kind.local,ko.local,dev.local"
        # How long one attempt to resolve a tag may take.
        digest-resolution-timeout: "10s"
        # How long a Revision may take to become ready.
        progress-deadline: "600s"
        # Resources of the sidecar; all but the CPU request are unset by default.
        queue-sidecar-cpu-request: "25m"
        queue-sidecar-cpu-limit: "1000m"
        queue-sidecar-memory-request: "400Mi"
        queue-sidecar-memory-limit: "800Mi"
        queue-sidecar-ephemeral-storage-request: "512Mi"
        queue-sidecar-ephemeral-storage-limit: "1024Mi"
        # prefer-spread-revision-over-nodes, or none.
        default-affinity-type: "prefer-spread-revision-over-nodes"
        # true where nodes are added for pods that do not fit: then Unschedulable is no failure.
        pod-is-always-schedulable: "false"
        """;

    public const string Domain = Intro +
        """
        # Each key is a domain; an empty value makes it the domain of every Route that no selector fits better.
        example.com: ""
        # The selector that says most about a Route's labels wins.
        prod.example.com: |
          selector:
            app: prod
        # Routes under this domain are reached from inside the cluster only.
        svc.cluster.local: |
          selector:
            app: secret
        """;

    public const string Features = Intro +
        """
        # enabled, allowed (a Revision may ask for it) or disabled; disabled unless shown otherwise.
        multi-container: "enabled"
        multi-container-probing: "disabled"
        # Also AllowRootBounded: the same, but root remains possible.
        secure-pod-defaults: "disabled"
        tag-header-based-routing: "disabled"
        autodetect-http2: "disabled"
        queueproxy.mount-podinfo: "disabled"
        queueproxy.resource-defaults: "disabled"
        kubernetes.containerspec-addcapabilities: "disabled"
        kubernetes.podspec-affinity: "disabled"
        kubernetes.podspec-topologyspreadconstraints: "disabled"
        kubernetes.podspec-hostaliases: "disabled"
        kubernetes.podspec-nodeselector: "disabled"
        kubernetes.podspec-tolerations: "disabled"
        kubernetes.podspec-fieldref: "disabled"
        kubernetes.podspec-runtimeclassname: "disabled"
        kubernetes.podspec-dnspolicy: "disabled"
        kubernetes.podspec-dnsconfig: "disabled"
        kubernetes.podspec-securitycontext: "disabled"
        kubernetes.podspec-shareprocessnamespace: "disabled"
        kubernetes.podspec-hostipc: "disabled"
        kubernetes.podspec-hostpid: "disabled"
        kubernetes.podspec-hostnetwork: "disabled"
        kubernetes.podspec-priorityclassname: "disabled"
        kubernetes.podspec-schedulername: "disabled"
        kubernetes.podspec-init-containers: "disabled"
        kubernetes.podspec-persistent-volume-claim: "disabled"
        kubernetes.podspec-persistent-volume-write: "disabled"
        kubernetes.podspec-volumes-emptydir: "enabled"
        kubernetes.podspec-volumes-image: "disabled"
        kubernetes.podspec-volumes-hostpath: "disabled"
        kubernetes.podspec-volumes-ephemeral: "disabled"
        kubernetes.podspec-volumes-csi: "disabled"
        kubernetes.podspec-volumes-mount-propagation: "disabled"
        """;

    public const string Gc = Intro +
        """
        # A Revision that no Route uses is deleted once both times have passed; "disabled" switches a limit off.
        retain-since-create-time: "48h"
        retain-since-last-active-time: "15h"
        # So many unused Revisions of a Configuration always stay, and more than so many never do ("disabled": no upper bound).
        min-non-active-revisions: "20"
        max-non-active-revisions: "1000"
        """;

    public const string LeaderElection = Intro +
        """
        lease-duration: "60s"
        renew-deadline: "40s"
        retry-period: "10s"
        buckets: "1"
        """;

    public const string Logging = Intro +
        """
        # Level of a component: debug, info, warn or error.
        loglevel.controller: "info"
        loglevel.autoscaler: "info"
        loglevel.queueproxy: "info"
        loglevel.webhook: "info"
        loglevel.activator: "info"
        """;

    public const string Network = Intro +
        """
        # Which data plane carries out Ingresses that name none. Knet's own:
        ingress-class: "knet.ingress.networking.knative.dev"
        # Port of the host on which Knet's gateway answers; it appears in URLs when it is not 80.
        knet.dev/external-port: "80"
        certificate-class: "cert-manager.certificate.networking.knative.dev"
        # Host names, as Go templates; also known: .Labels and .Annotations.
        domain-template: "{{.Name}}.{{.Namespace}}.{{.Domain}}"
        tag-template: "{{.Tag}}-{{.Name}}"
        external-domain-tls: "Disabled"
        cluster-local-domain-tls: "Disabled"
        system-internal-tls: "Disabled"
        # What plain HTTP gets: Enabled or Redirected.
        http-protocol: "Enabled"
        default-external-scheme: "http"
        # Seconds over which traffic moves to a new latest Revision; 0: at once.
        rollout-duration: "0"
        autocreate-cluster-domain-claims: "false"
        enable-mesh-pod-addressability: "false"
        mesh-compatibility-mode: "auto"
        """;

    public const string Observability = Intro +
        """
        # Where the logs of a Revision are shown; ${REVISION_UID} is replaced. Empty: status.logUrl is not set.
        logging.revision-url-template: ""
        logging.enable-var-log-collection: "false"
        # A line for each request in the log of its pod's queue-proxy (kubectl logs POD -c queue-proxy).
        logging.enable-request-log: "false"
        # What a line says: a Go template over .Request, .Response, .Revision and .TraceID. Left out: JSON, as upstream's.
        logging.request-log-template: "{{.Request.Method}} {{.Request.RequestURI}} {{.Response.Code}} {{.Response.Latency}}"
        logging.enable-probe-request-log: "false"
        # none, prometheus, http/protobuf or grpc.
        metrics-protocol: "none"
        tracing-protocol: "none"
        tracing-sampling-rate: "0.1"
        """;

    public const string Autoscaler = Intro +
        """
        # Requests at once that an instance should have, when its Revision limits none; and which share of a limit is aimed at.
        container-concurrency-target-default: "100"
        container-concurrency-target-percentage: "70"
        requests-per-second-target-default: "200"
        # Requests that may come at once without waiting for new instances; -1: always through the activation buffer.
        target-burst-capacity: "211"
        # Over which time load is averaged, and how panic is noticed.
        stable-window: "60s"
        panic-window-percentage: "10.0"
        panic-threshold-percentage: "200.0"
        max-scale-up-rate: "1000.0"
        max-scale-down-rate: "2.0"
        enable-scale-to-zero: "true"
        scale-to-zero-grace-period: "30s"
        scale-to-zero-pod-retention-period: "0s"
        pod-autoscaler-class: "kpa.autoscaling.knative.dev"
        activator-capacity: "100.0"
        initial-scale: "1"
        allow-zero-initial-scale: "false"
        min-scale: "0"
        max-scale: "0"
        max-scale-limit: "0"
        scale-down-delay: "0s"
        """;
}
