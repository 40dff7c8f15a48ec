using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Artifacts;
using Pipeline.Host.Definitions;
using Pipeline.Host.Hosting;
using Pipeline.Stages.Teacher;

namespace Pipeline.Host.Commands;

/// <summary>What the commands run on: the real machine, or folders and clocks of their own in tests.</summary>
internal sealed record CommandEnvironment
{
    public required IReadOnlyList<StageRegistration> Stages { get; init; }

    public IReadOnlyList<TeacherRegistration> Teachers { get; init; } = TeacherTable.All;

    public IReadOnlyList<IArtifactKind> Artifacts { get; init; } = ArtifactTable.All;

    public IStorage Storage { get; init; } = new DiskStorage();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TextWriter Output { get; init; } = Console.Out;

    public TextWriter Error { get; init; } = Console.Error;

    /// <summary>Opens what <c>-</c> stands for as a file to read.</summary>
    public Func<Stream> StandardInput { get; init; } = Console.OpenStandardInput;

    /// <summary>Opens what <c>-</c> stands for as a file to write.</summary>
    public Func<Stream> StandardOutput { get; init; } = Console.OpenStandardOutput;

    /// <summary>Whether the output is a terminal, in which a live table can be drawn.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Lets tests stop a run without a signal. Null if the process's own signals stop it.</summary>
    public StopSignals? Signals { get; init; }

    /// <summary>The MPI job that this process belongs to, if it belongs to one.</summary>
    public RankSession Session { get; init; } = new();

    /// <summary>Returns the value of an environment variable, or null if it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The stages and teachers that definitions may name.</summary>
    public StageCatalog Catalog() => new(Stages, Teachers);
}
