namespace Pipeline.Host.Jobs;

/// <summary>One of several jobs, each of which depends on the one before it.</summary>
/// <param name="Name">The name of its files, such as the flow's name, or <c>run</c>.</param>
/// <param name="Arguments">The arguments of <c>alm</c>.</param>
/// <param name="Tasks">How many tasks share the parts of a flow, as an array. Null for a job that is a single process, or one process for each rank.</param>
internal sealed record JobStep(string Name, IReadOnlyList<string> Arguments, int? Tasks);

/// <summary>What each job is given, as the options of <c>alm submit</c> say.</summary>
internal sealed record JobResources
{
    /// <summary>The most tasks of an array.</summary>
    public int Tasks { get; init; } = 4;

    /// <summary>Processors of each task, and of each rank.</summary>
    public int Cpus { get; init; } = 1;

    /// <summary>The memory of each task: a number and K, M, G or T. Null leaves it to the scheduler.</summary>
    public string? Memory { get; init; }

    /// <summary>GPUs of each task, and of each rank.</summary>
    public int Gpus { get; init; }

    /// <summary>The longest time of a job, as Slurm writes it. Null leaves it to Slurm.</summary>
    public string? Time { get; init; }

    public string? Partition { get; init; }

    public string? Account { get; init; }

    /// <summary>How many processes train one student together.</summary>
    public int Ranks { get; init; } = 1;

    /// <summary>The command that starts the ranks under Slurm.</summary>
    public string Launcher { get; init; } = "srun --mpi=pmix";

    /// <summary>The image that pods run.</summary>
    public string Image { get; init; } = "alm";

    /// <summary>The name of the persistent volume claim that pods mount at <see cref="Mount"/>.</summary>
    public string Claim { get; init; } = "alm";

    public string Mount { get; init; } = "/alm";
}
