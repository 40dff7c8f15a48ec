using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Hosting;

/// <summary>What the command line says about a run besides its definition. No setting changes results.</summary>
internal sealed record RunSettings
{
    /// <summary>The run folder. Null stands for <c>runs/NAME</c>.</summary>
    public string? Folder { get; init; }

    /// <summary>The flow after which the run stops. Null stands for the last.</summary>
    public string? Through { get; init; }

    /// <summary>The first flow that is made again, together with all later ones. Null keeps what is done.</summary>
    public string? From { get; init; }

    /// <summary>The processes that were started together with this one over MPI.</summary>
    public IRanks Ranks { get; init; } = OneRank.Instance;

    /// <summary>How many threads a map uses.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether progress is written as lines instead of a table, even in a terminal.</summary>
    public bool Plain { get; init; }

    /// <summary>A folder with another libtorch. Null stands for the one that is found by default.</summary>
    public string? LibTorch { get; init; }

    /// <summary>
    /// How long a graph may go on after a stop was asked for, so that a part that is nearly done is not lost. A sink that can resume stops by itself, and is
    /// given as long as it needs.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>The time between two lines of progress where there is no table.</summary>
    public TimeSpan LineInterval { get; init; } = TimeSpan.FromSeconds(30);
}
