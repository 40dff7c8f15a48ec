using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Hosting;

/// <summary>What the command line says about a run besides its definition; nothing here changes results.</summary>
internal sealed record RunSettings
{
    /// <summary>Null takes runs/NAME.</summary>
    public string? Folder { get; init; }

    /// <summary>The flow after which a run stops; null: the last.</summary>
    public string? Through { get; init; }

    /// <summary>The flow that is made again, with those after it; null keeps what is done.</summary>
    public string? From { get; init; }

    /// <summary>The processes that were started together with this one.</summary>
    public IRanks Ranks { get; init; } = OneRank.Instance;

    public int Parallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>Lines instead of a table, also in a terminal.</summary>
    public bool Plain { get; init; }

    /// <summary>A folder with another libtorch.</summary>
    public string? LibTorch { get; init; }

    /// <summary>How long a graph may continue after a stop was asked for, so that a part that is nearly done is not lost. A sink that can resume is waited for.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>Time between two lines of progress if there is no terminal.</summary>
    public TimeSpan LineInterval { get; init; } = TimeSpan.FromSeconds(30);
}
