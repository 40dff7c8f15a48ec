using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Reads definition files: parse, apply <c>--set</c>, bind, check that neighbours fit. All errors of a file come together in one
/// <see cref="DefinitionException"/>, each with its place; nothing is written anywhere.
/// </summary>
internal sealed class DefinitionLoader(StageCatalog catalog, IStorage storage)
{
    /// <summary>Far above any definition; an untrusted file must not fill the memory.</summary>
    public const int MaxBytes = 1 << 20;

    private readonly OptionTypes _types = new();

    /// <summary>What its definitions may name.</summary>
    public StageCatalog Catalog => catalog;

    /// <exception cref="DefinitionException">It does not exist, is too large, or has errors.</exception>
    public LoadedDefinition Load(string path, IReadOnlyList<string>? sets = null) => Refuse(Read(path, sets));

    /// <summary>
    /// As <see cref="Load"/>, but rules that it breaks are left in <see cref="LoadedDefinition.Errors"/>: for callers that go on to look for
    /// more, and for definitions of earlier runs.
    /// </summary>
    /// <exception cref="DefinitionException">It does not exist, is too large, or cannot be read.</exception>
    public LoadedDefinition Read(string path, IReadOnlyList<string>? sets = null)
    {
        string full = Path.GetFullPath(path);
        if (storage.DirectoryExists(full))
            throw new DefinitionException($"definition {path} is a folder; name the file in it");
        if (!storage.FileExists(full))
            throw new DefinitionException($"definition {path} does not exist (looked for {full})");
        return ReadText(path, ReadAtMost(full, path), sets);
    }

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
