using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Benchmarks;

/// <summary>A meter, rejects and services that do nothing, for a stage that is measured alone.</summary>
internal sealed class QuietStage : IStageMeter, IRejects, IServiceProvider
{
    public void Count(string name, long amount)
    {
    }

    public void Scalar(string name, long step, double value)
    {
    }

    public void Progress(long done, long total)
    {
    }

    public void Say(string message)
    {
    }

    public void Reject(DocumentId id, string reason, string message)
    {
    }

    public object? GetService(Type serviceType) => null;
}
