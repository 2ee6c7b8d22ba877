using System.Text;
using System.Text.Json;
using k8s.Models;
using Knet.Gateway.Tls;
using Knet.Kube.Client;
using Knet.Node.Kubelet.Spdy;
using Knet.Serving.Webhook;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What comes over upgraded connections, in Secrets with certificates, and in manifests of old versions.</summary>
internal static class StreamTargets
{
    private static readonly byte[] Headers = new SpdyHeaderWriter().Write(new Dictionary<string, string>
    {
        ["streamtype"] = "data", ["port"] = "80", ["requestid"] = "1",
    });

    private static readonly byte[][] SpdyWords =
    [
        [0x80, 3, 0, 1, 0, 0, 0, 0], [0x80, 3, 0, 3, 0, 0, 0, 8], [0x80, 3, 0, 6, 0, 0, 0, 4], [0x80, 3, 0, 7], [0x80, 3, 0, 8], [0x80, 2],
        [0, 0, 0, 1], [0, 0, 0, 3, 1, 0, 0, 2, 1, 2], [0xff, 0xff, 0xff, 0xff], [0x78, 0x01], [0x78, 0xbb], Headers,
    ];

    private static readonly string[] OldWords =
    [
        "{", "}", "[", "]", ",", "null", "1", "\"a\"", "\"spec\":", "\"runLatest\":", "\"release\":", "\"pinned\":", "\"manual\":",
        "\"configuration\":",
        "\"revisionTemplate\":", "\"template\":", "\"container\":", "\"containers\":", "\"concurrencyModel\":", "\"Single\"", "\"revisions\":",
        "\"rolloutPercent\":", "\"traffic\":", "\"name\":", "\"percent\":", "\"tag\":", "\"build\":", "\"metadata\":",
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("spdy-headers", SpdyWords, ReadHeaders, e => e is IOException) { Seeds = [Headers] },
        new("spdy-frames", SpdyWords, ReadFrames, e => e is IOException)
        {
            Seeds =
            [
                [0x80, 3, 0, 1, 0, 0, 0, (byte)(10 + Headers.Length), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. Headers],
                [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],
            ],
        },
        FuzzTarget.Text(
            "certificate",
            ["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "-----BEGIN PRIVATE KEY-----\n", "MIIB", "AAAA", "=", "\n"],
            text => HeldCertificate.Read(Secret(text)), FuzzTarget.Nothing, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        FuzzTarget.Text(
            "old-service", OldWords, text => Convert(text, "Service"), e => e is JsonException,
            """{"spec":{"runLatest":{"configuration":{"revisionTemplate":{"spec":{"container":{"image":"a"},"concurrencyModel":"Single"}}}}}}""",
            """{"spec":{"release":{"revisions":["a","b"],"rolloutPercent":10,"configuration":{"revisionTemplate":{"spec":{"container":{}}}}}}}"""),
        FuzzTarget.Text(
            "old-route", OldWords, text => Convert(text, "Route"), e => e is JsonException, """{"spec":{"traffic":[{"name":"a","percent":100}]}}"""),
    ];

    // As it comes to admission: of a member that was given twice, the body's reader keeps one.
    private static void Convert(string text, string kind)
    {
        using var once = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        LegacyShapes.Convert(kind, new KubeDocument(Encoding.UTF8.GetBytes(text)));
    }

    private static V1Secret Secret(string text) => new()
    {
        Metadata = new V1ObjectMeta(),
        Data = new Dictionary<string, byte[]> { ["tls.crt"] = Encoding.UTF8.GetBytes(text), ["tls.key"] = Encoding.UTF8.GetBytes(text) },
    };

    // Two blocks of one connection: the second goes on where the first ended.
    private static void ReadHeaders(byte[] bytes)
    {
        using var reader = new SpdyHeaderReader();
        reader.Read(bytes.AsSpan(0, bytes.Length / 2));
        reader.Read(bytes.AsSpan(bytes.Length / 2));
    }

    private static void ReadFrames(byte[] bytes)
    {
        using var session = new SpdySession(new Duplex(bytes), _ => false);
        session.RunAsync(CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>What the client sent; what it would be answered goes nowhere.</summary>
    private sealed class Duplex(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanWrite => true;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
    }
}
