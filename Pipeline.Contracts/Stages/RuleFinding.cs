namespace Pipeline.Contracts.Stages;

/// <summary>Something that a rule finds wrong in a definition before any work begins.</summary>
/// <param name="Key">
/// The path of the key: from the stage on (<c>models[0].model</c>), or from the definition on if <see cref="OfRun"/>. If the definition does not
/// contain this key, the error points to the nearest key above it that is there.
/// </param>
/// <param name="Message">Names the key, what was found, what was expected and what to do.</param>
public sealed record RuleFinding(string Key, string Message)
{
    /// <summary>Whether the key belongs to the run (<c>student.embeddings</c>) and not to the stage.</summary>
    public bool OfRun { get; init; }

    /// <summary>Whether the finding is only shown, and is no reason to refuse the definition.</summary>
    public bool IsWarning { get; init; }

    /// <summary>
    /// Whether the definition itself is in order, but something that it names is missing or wrong. The exit code is then 65 instead of 64.
    /// </summary>
    public bool IsInput { get; init; }
}
