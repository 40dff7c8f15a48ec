namespace Pipeline.Contracts.Stages;

/// <summary>What a rule finds in a definition before any work.</summary>
/// <param name="Key">
/// Where: a key path that starts at the stage (<c>models[0].model</c>), or at the definition if <see cref="OfRun"/>. Where the path is
/// not written, the nearest key above it that is.
/// </param>
/// <param name="Message">Names the key, what was found, what was expected and what to do.</param>
public sealed record RuleFinding(string Key, string Message)
{
    /// <summary>The key is the run's (<c>student.embeddings</c>), not the stage's.</summary>
    public bool OfRun { get; init; }

    /// <summary>Worth a look, but no reason to refuse.</summary>
    public bool IsWarning { get; init; }

    /// <summary>The definition is in order, but what it names is not: a file is missing or wrong (exit 65, not 64).</summary>
    public bool IsInput { get; init; }
}
