namespace Knet.Tests.EndToEnd.Platform;

/// <summary>Services as a user would write them.</summary>
internal static class Manifests
{
    /// <summary>An ordinary Service; short windows so that tests need not wait a minute for zero.</summary>
    public static string Service(string name, string image, string extraContainer = "", string traffic = "", int concurrency = 0) => $"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: {name}
        spec:
          template:
            metadata:
              annotations:
                autoscaling.knative.dev/window: 6s
            spec:
              containerConcurrency: {concurrency}
              containers:
              - image: {image}
        {Indent(extraContainer, 8)}
        {Indent(traffic, 2)}
        """;

    /// <summary>A document with a pod of one container that runs a shell command, after an init container if there is one.</summary>
    public static string Pod(string name, string command, string? init = null) => $"""
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: {name}
        spec:
          initContainers: [{(init is null ? "" : Container("init", init))}]
          containers: [{Container("c", command)}]

        """;

    private static string Container(string name, string command) =>
        $"{{name: {name}, image: \"{TestImages.Busybox}\", imagePullPolicy: Never, command: [sh, -c, \"{command}\"]}}";

    private static string Indent(string text, int spaces) =>
        string.Join('\n', text.Split('\n').Select(line => line.Length == 0 ? line : new string(' ', spaces) + line));
}
