using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;

namespace Pipeline.Stages.SteeringFits;

/// <summary>The header of one part of the sums: what the part was made from, and how many demonstrations it contains.</summary>
/// <param name="Place">Where the activations were read.</param>
/// <param name="Map">The feature map under which they were correlated.</param>
/// <param name="Layers">The layers, in ascending order.</param>
/// <param name="Width">d, the width of an activation.</param>
/// <param name="Part">The number of this part, from 0.</param>
/// <param name="Parts">The number of parts.</param>
/// <param name="Demonstrations">The number of demonstrations in this part.</param>
/// <param name="MadeFrom">What the sums were made from, by name: input, model, tokenizer, template, base. It is the same in every part.</param>
internal sealed record SumsHeader(
    ActivationPlace Place, FeatureMap Map, IReadOnlyList<int> Layers, int Width, int Part, int Parts, long Demonstrations, IReadOnlyDictionary<string, string> MadeFrom)
{
    private const string Format = "alm-sea-sums";
    private const string Version = "1";

    /// <summary>The prefix of the metadata keys for <see cref="MadeFrom"/>.</summary>
    public const string From = "from ";

    /// <summary>The name in <see cref="MadeFrom"/> of the model's number of layers.</summary>
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

    /// <summary>Reads the header of a part.</summary>
    /// <exception cref="InputException">The file is not a part of sums, or is of a version that this program does not read.</exception>
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

    /// <summary>Refuses a part that was made from something else, and says what differs.</summary>
    /// <exception cref="InputException">The part was made from something else.</exception>
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
