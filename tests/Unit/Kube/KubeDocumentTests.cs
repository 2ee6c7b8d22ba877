using System.Text;
using k8s.Models;
using Knet.Kube.Client;
using Xunit;

namespace Knet.Tests.Unit.Kube;

/// <summary>One version of an object, and what of it is decoded.</summary>
public sealed class KubeDocumentTests
{
    private const string Json =
        """
        {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","namespace":"n","labels":{"a":"b"},
        "managedFields":[{"manager":"m","operation":"Apply","fieldsV1":{"f:data":{}}}]},"data":{"k":"v"}}
        """;

    [Fact]
    public void Metadata_IsKeptOnceHoweverItWasAskedFor()
    {
        var document = new KubeDocument(Encoding.UTF8.GetBytes(Json));
        Assert.Equal("b", document.Metadata.Labels["a"]);
        var decoded = document.As<V1ConfigMap>();
        Assert.Same(decoded.Metadata, document.Metadata);
        Assert.Same(decoded, document.As<V1ConfigMap>());
    }

    [Fact]
    public void Managers_AreInTheJsonOnly()
    {
        var document = new KubeDocument(Encoding.UTF8.GetBytes(Json));
        Assert.Null(document.Metadata.ManagedFields);
        Assert.Null(document.As<V1ConfigMap>().Metadata.ManagedFields);
        Assert.Equal("v", document.As<V1ConfigMap>().Data["k"]);
        Assert.Contains("fieldsV1", Encoding.UTF8.GetString(document.Json.Span), StringComparison.Ordinal);
    }
}
