namespace Pipeline.Host.Jobs;

/// <summary>One job of several that depend on one another in order.</summary>
/// <param name="Name">Of its files: the flow, or <c>run</c>.</param>
/// <param name="Arguments">Of <c>alm</c>.</param>
/// <param name="Tasks">Tasks of an array that share the parts; null for one process, or one for each rank.</param>
internal sealed record JobStep(string Name, IReadOnlyList<string> Arguments, int? Tasks);

/// <summary>What jobs are given, as the command line says it.</summary>
internal sealed record JobResources
{
    public int Tasks { get; init; } = 4;

    public int Cpus { get; init; } = 1;

    public string? Memory { get; init; }

    public int Gpus { get; init; }

    public string? Time { get; init; }

    public string? Partition { get; init; }

    public string? Account { get; init; }

    /// <summary>Processes that train one student together.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>What starts the ranks under Slurm.</summary>
    public string Launcher { get; init; } = "srun --mpi=pmix";

    public string Image { get; init; } = "alm";

    /// <summary>Persistent volume claim, and where it is mounted.</summary>
    public string Claim { get; init; } = "alm";

    public string Mount { get; init; } = "/alm";
}
