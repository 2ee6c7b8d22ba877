using System.Text;
using Knet.Api.Serving.V1;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Serving.Webhook;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class LegacyShapesTests
{
    private const string Template = """{"revisionTemplate":{"metadata":{"annotations":{"a":"b"}},"spec":{"container":{"image":"i/j"}}}}""";

    [Fact]
    public void RunLatest_SendsEverythingToTheLatest()
    {
        var spec = Service($$$"""{"runLatest":{"configuration":{{{Template}}} }}""").Spec;
        Assert.Equal("i/j", Assert.Single(spec.Template.Spec.Containers).Image);
        Assert.Equal("b", spec.Template.Metadata!.Annotations["a"]);
        Assert.Equal([(null, null, true, 100)], Traffic(spec));
    }

    [Fact]
    public void Pinned_SendsEverythingToOne() =>
        Assert.Equal([("r1", null, false, 100)], Traffic(Service($$$"""{"pinned":{"revisionName":"r1","configuration":{{{Template}}} }}""").Spec));

    [Fact]
    public void Release_HasItsThreeNames()
    {
        Assert.Equal(
            [("r1", "current", false, 70), (null, "candidate", true, 30), (null, "latest", true, 0)],
            Traffic(Service($$$"""{"release":{"revisions":["r1","@latest"],"rolloutPercent":30,"configuration":{{{Template}}} }}""").Spec));
        Assert.Equal(
            [("r1", "current", false, 100), (null, "latest", true, 0)],
            Traffic(Service($$$"""{"release":{"revisions":["r1"],"configuration":{{{Template}}} }}""").Spec));
    }

    [Fact]
    public void OldTemplateAndTraffic_GetTheirPresentNames()
    {
        var configuration = Converted<KnConfiguration>("Configuration", Template);
        Assert.Equal("i/j", configuration.Spec.Template.Spec.Containers[0].Image);
        var single = Converted<KnRevision>("Revision", """{"container":{"image":"i/j"},"concurrencyModel":"Single"}""");
        Assert.Equal(1, single.Spec.ContainerConcurrency);
        var route = Converted<KnRoute>("Route", """{"traffic":[{"name":"blue","revisionName":"r1","percent":100}]}""");
        Assert.Equal("blue", route.Spec.Traffic![0].Tag);
    }

    [Theory]
    [InlineData("""{"manual":{}}""", "must not set the field(s): spec.manual")]
    [InlineData("""{"runLatest":{}}""", "missing field(s): spec.runLatest.configuration")]
    [InlineData("""{"runLatest":{},"pinned":{}}""", "expected exactly one, got both: spec.pinned, spec.runLatest")]
    [InlineData("""{"runLatest":{"configuration":{"build":{}}}}""", "must not set the field(s): spec.runLatest.configuration.build")]
    [InlineData("""{"release":{"configuration":{}}}""", "expected 1 <= 0 <= 2: spec.release.revisions")]
    public void WhatHasNoSuccessor_IsRefused(string spec, string why) =>
        Assert.Contains(why, Convert("Service", spec)!.Denied, StringComparison.Ordinal);

    [Fact]
    public void PresentShape_IsLeftAlone() =>
        Assert.Null(Convert("Service", """{"template":{"spec":{"containers":[{"image":"i/j"}]}},"traffic":[{"tag":"a","percent":100}]}"""));

    private static KnService Service(string spec) => Converted<KnService>("Service", spec);

    private static T Converted<T>(string kind, string spec) where T : class
    {
        var response = Convert(kind, spec)!;
        Assert.Null(response.Denied);
        Assert.NotEmpty(response.Warnings);
        return response.Mutated!.As<T>();
    }

    private static AdmissionResponse? Convert(string kind, string spec) =>
        LegacyShapes.Convert(kind, new KubeDocument(Encoding.UTF8.GetBytes($$"""{"metadata":{"name":"hello"},"spec":{{spec}} }""")));

    private static List<(string? Revision, string? Tag, bool Latest, long Percent)> Traffic(ServiceSpec spec) =>
        [.. spec.Traffic!.Select(t => (t.RevisionName, t.Tag, t.LatestRevision == true, t.Percent ?? -1))];
}
