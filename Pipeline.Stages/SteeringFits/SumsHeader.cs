using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a part of the sums says about itself: what it was made from, and how many demonstrations are in it.</summary>
/// <param name="Place">Where the activations were read.</param>
/// <param name="Map">Under which map they were correlated.</param>
/// <param name="Layers">Ascending.</param>
/// <param name="Width">d.</param>
/// <param name="Part">From 0.</param>
/// <param name="Parts">Of how many.</param>
/// <param name="Demonstrations">In this part.</param>
/// <param name="MadeFrom">Name to value: input, model, tokenizer, template, base; the same in every part.</param>
internal sealed record SumsHeader(
    ActivationPlace Place, FeatureMap Map, IReadOnlyList<int> Layers, int Width, int Part, int Parts, long Demonstrations, IReadOnlyDictionary<string, string> MadeFrom)
{
    private const string Format = "alm-sea-sums";
    private const string Version = "1";

    /// <summary>In front of the names of what it was made from.</summary>
    public const string From = "from ";

    /// <summary>Of what it was made from: how many layers the model has.</summary>
    public const string ModelLayers = "model layers";

    public IReadOnlyDictionary<string, string> ToMetadata()
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["version"] = Version,
            ["place"] = Place.ToString(),
            ["map"] = Map.ToString(),
            ["layers"] = string.Join(',', Layers),
            ["width"] = Text(Width),
            ["part"] = Text(Part),
            ["parts"] = Text(Parts),
            ["demonstrations"] = Text(Demonstrations),
        };
        foreach ((string name, string value) in MadeFrom)
            metadata[From + name] = value;
        return metadata;
    }

    /// <exception cref="InputException">It is not a part of sums, or has a version this program does not read.</exception>
    public static SumsHeader Read(SafetensorsFile file)
    {
        string Value(string key) => file.Metadata.TryGetValue(key, out string? value) ? value : throw new InputException($"{file.Path}: no '{key}' in its metadata, so it is not a part of sums that fit-sea wrote");
        if (Value("format") != Format || Value("version") != Version)
            throw new InputException($"{file.Path}: format '{Value("format")}' version '{Value("version")}', expected '{Format}' version '{Version}'; run fit-sea again");
        int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new InputException($"{file.Path}: '{text}' is not a number; run fit-sea again");
        T Choice<T>(string key)
            where T : struct, Enum
            => Enum.TryParse(Value(key), out T value) ? value : throw new InputException($"{file.Path}: '{key}' is '{Value(key)}', expected one of {string.Join(", ", Enum.GetNames<T>())}");
        return new SumsHeader(
            Choice<ActivationPlace>("place"), Choice<FeatureMap>("map"), [.. Value("layers").Split(',').Select(Number)], Number(Value("width")), Number(Value("part")), Number(Value("parts")),
            Number(Value("demonstrations")), file.Metadata.Where(m => m.Key.StartsWith(From, StringComparison.Ordinal)).ToDictionary(m => m.Key[From.Length..], m => m.Value));
    }

    public static SumsHeader Read(string path, IStorage storage)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path, storage);
        return Read(file);
    }

    /// <summary>Refuses by name a part that was made from something else.</summary>
    /// <exception cref="InputException">It was.</exception>
    public void RequireSame(SumsHeader other, string path)
    {
        foreach ((string name, string mine, string theirs) in Facts().Zip(other.Facts(), (a, b) => (a.Name, a.Value, b.Value)))
        {
            if (mine != theirs)
                throw new InputException($"{path} was made from something else: its {name} is '{mine}', expected '{theirs}'; write to another folder, or delete this one");
        }
    }

    private IEnumerable<(string Name, string Value)> Facts()
        => [("place", Place.ToString()), ("map", Map.ToString()), ("layers", string.Join(',', Layers)), ("width", Text(Width)), ("number of parts", Text(Parts)),
            .. MadeFrom.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, p.Value))];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
