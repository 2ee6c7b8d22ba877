using Knet.Daemon.Roles;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.System;

public sealed class IdleCollectionTests
{
    private readonly FakeTimeProvider _time = new();
    private long _committed = IdleCollection.Worthwhile;
    private int _collections;

    [Fact]
    public void AfterABurst_MemoryIsGivenBackOnce()
    {
        using var idle = new IdleCollection(_time, () => _committed, Collect);
        idle.Collected();
        _time.Advance(IdleCollection.Quiet / 2);
        idle.Collected(); // still busy
        _time.Advance(IdleCollection.Quiet / 2);
        Assert.Equal(0, _collections);
        _time.Advance(IdleCollection.Quiet / 2);
        Assert.Equal(1, _collections);
        idle.Collected(); // that was ours
        _time.Advance(IdleCollection.Quiet * 3);
        Assert.Equal(1, _collections);
    }

    [Fact]
    public void WhatAddsLittle_IsLeftAlone()
    {
        _committed = IdleCollection.Worthwhile - 1;
        using var idle = new IdleCollection(_time, () => _committed, Collect);
        idle.Collected();
        _time.Advance(IdleCollection.Quiet * 2);
        Assert.Equal(0, _collections);
    }

    private void Collect()
    {
        _collections++;
        _committed = 1000;
    }
}
