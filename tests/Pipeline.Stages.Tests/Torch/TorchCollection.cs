using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Torch;

/// <summary>Tests that use torch run one after another: each thread that calls it would start a team of its own.</summary>
[CollectionDefinition(Name)]
public sealed class TorchCollection : ICollectionFixture<TorchFixture>
{
    public const string Name = "torch";
}

public sealed class TorchFixture
{
    public TorchFixture() => TorchLoader.Load();
}
