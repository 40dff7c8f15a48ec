using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Reads definition files: parses the text, applies <c>--set</c>, binds the values, and checks that neighbouring stages fit. All errors of a file come
/// together in one <see cref="DefinitionException"/>, each with its place. Nothing is written anywhere.
/// </summary>
internal sealed class DefinitionLoader(StageCatalog catalog, IStorage storage)
{
    /// <summary>The largest definition, in bytes. It is far above any real one: an untrusted file must not fill the memory.</summary>
    public const int MaxBytes = 1 << 20;

    private readonly OptionTypes _types = new();

    /// <summary>The stages and teachers that definitions may name.</summary>
    public StageCatalog Catalog => catalog;

    /// <summary>Reads a definition, and refuses one that breaks rules.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="sets">The arguments of <c>--set</c>, in order.</param>
    /// <exception cref="DefinitionException">The file does not exist, is too large, or has errors.</exception>
    public LoadedDefinition Load(string path, IReadOnlyList<string>? sets = null) => Refuse(Read(path, sets));

    /// <summary>
    /// Reads a definition as <see cref="Load"/> does, but leaves broken rules in <see cref="LoadedDefinition.Errors"/>. This is for callers that check further
    /// rules, and for definitions of earlier runs.
    /// </summary>
    /// <exception cref="DefinitionException">The file does not exist, is too large, or cannot be read.</exception>
    public LoadedDefinition Read(string path, IReadOnlyList<string>? sets = null)
    {
        string full = Path.GetFullPath(path);
        if (storage.DirectoryExists(full))
            throw new DefinitionException($"definition {path} is a folder; name the file in it");
        if (!storage.FileExists(full))
            throw new DefinitionException($"definition {path} does not exist (looked for {full})");
        return ReadText(path, ReadAtMost(full, path), sets);
    }

    /// <summary>Reads a definition from a text in UTF-8, and refuses one that breaks rules.</summary>
    /// <exception cref="DefinitionException">The text has errors.</exception>
    public LoadedDefinition Parse(string source, ReadOnlySpan<byte> utf8, IReadOnlyList<string>? sets = null) => Refuse(ReadText(source, utf8, sets));

    private static LoadedDefinition Refuse(LoadedDefinition definition)
    {
        definition.Errors.ThrowIfAny();
        return definition;
    }

    private LoadedDefinition ReadText(string source, ReadOnlySpan<byte> utf8, IReadOnlyList<string>? sets)
    {
        var errors = new DefinitionErrors();
        SourceNode? root = SourceReader.Read(source, utf8, errors);
        if (root is null)
            errors.ThrowIfAny();
        foreach (string set in sets ?? [])
            SetArgument.Apply(set, root!, errors);
        var checks = new DefinitionChecks(catalog, _types, errors);
        RunDefinition? definition = checks.Bind(root!);
        if (errors.Count > 0)
            errors.ThrowIfAny();
        var canonical = new CanonicalDefinition(_types);
        string json = canonical.Write(definition!);
        return new LoadedDefinition(definition!, json, CanonicalDefinition.Hash(json), root!, errors);
    }

    private byte[] ReadAtMost(string full, string path)
    {
        using Stream stream = storage.OpenRead(full);
        var buffer = new byte[MaxBytes + 1];
        int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        if (length > MaxBytes)
            throw new DefinitionException($"definition {path} is larger than {MaxBytes} bytes: found {length} and more; is it a definition?");
        return buffer[..length];
    }
}
