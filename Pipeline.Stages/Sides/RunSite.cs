using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Sides;

/// <summary>The run a stage works for: what its definition says, where it lies, and its tokenizers.</summary>
/// <param name="Definition">The resolved definition.</param>
/// <param name="Folder">Full path of the run folder.</param>
/// <param name="Storage">All files go through it.</param>
/// <param name="Tokenizers">Each loaded once.</param>
internal sealed record RunSite(RunDefinition Definition, string Folder, IStorage Storage, TokenizerStore Tokenizers)
{
    public static RunSite Of(StageContext context) => new(context.Definition, context.RunFolder, context.Storage, context.Service<TokenizerStore>());

    /// <summary>The run as a stage sees it that has a student of its own.</summary>
    public RunSite With(StudentDefinition? student)
        => student is null ? this : this with { Definition = Definition with { Student = student } };

    /// <summary>Full path of something to read.</summary>
    public string Input(string path) => RunPaths.Input(Folder, path);

    /// <summary>Full path of something to write, below the run folder.</summary>
    public string Output(string name) => RunPaths.Output(Folder, name);
}
