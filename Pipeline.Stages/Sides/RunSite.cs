using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Sides;

/// <summary>The run that a stage works for: its definition, its folder and its tokenizers.</summary>
/// <param name="Definition">The definition, with all options resolved.</param>
/// <param name="Folder">The full path of the run folder.</param>
/// <param name="Storage">Where all files are read and written.</param>
/// <param name="Tokenizers">Loads each tokenizer once.</param>
internal sealed record RunSite(RunDefinition Definition, string Folder, IStorage Storage, TokenizerStore Tokenizers)
{
    /// <summary>The run of a stage's context.</summary>
    public static RunSite Of(StageContext context) => new(context.Definition, context.RunFolder, context.Storage, context.Service<TokenizerStore>());

    /// <summary>The run as a stage sees it that has a student of its own; this run if the stage has none (null).</summary>
    public RunSite With(StudentDefinition? student)
        => student is null ? this : this with { Definition = Definition with { Student = student } };

    /// <summary>The full path of something to read; see <see cref="RunPaths.Input"/>.</summary>
    public string Input(string path) => RunPaths.Input(Folder, path);

    /// <summary>The full path of something to write, below the run folder; see <see cref="RunPaths.Output"/>.</summary>
    public string Output(string name) => RunPaths.Output(Folder, name);
}
