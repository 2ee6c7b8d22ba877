using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Xunit;

namespace Knet.Tests.Unit.Api.Meta;

public sealed class QuantitiesTests
{
    [Theory]
    [InlineData("250m", 0.25)]
    [InlineData("1.5Gi", 1610612736)]
    [InlineData("1e3", 1000)]
    [InlineData(".5", 0.5)]
    public void Quantities_AreRead(string text, double value)
    {
        Assert.True(Quantities.TryParse(text, out var read));
        Assert.Equal((decimal)value, read);
    }

    [Theory]
    [InlineData("1e999999")]
    [InlineData("1E-999")]
    [InlineData("abc")]
    [InlineData("")]
    [InlineData("1 Gi")]
    [InlineData("5\n")]
    public void WhatIsNoQuantity_IsRefusedAtOnce(string text)
    {
        Assert.False(Quantities.TryParse(text, out _));
        var limits = new Dictionary<string, string> { ["cpu"] = text };
        var json = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { ["limits"] = limits });
        var refused = Assert.Throws<JsonException>(() => KubeJson.Deserialize<V1ResourceRequirements>(json));
        Assert.Contains("is no quantity", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RoundTrip_KeepsTheText()
    {
        var json = """{"limits":{"cpu":"500m","memory":"64Mi"}}"""u8;
        Assert.Equal(json, KubeJson.Serialize(KubeJson.Deserialize<V1ResourceRequirements>(json)));
    }
}
