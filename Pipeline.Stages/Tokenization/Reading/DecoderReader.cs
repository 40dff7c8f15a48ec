using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Decoding;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads the <c>decoder</c> of a tokenizer.json.</summary>
internal static class DecoderReader
{
    private const string Supported = "ByteLevel, Metaspace, ByteFallback, Fuse, Strip, Replace, BPEDecoder and Sequence are supported";

    /// <summary>Reads the decoder's steps. Null if there is no decoder; tokens are then joined with spaces.</summary>
    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static List<DecoderStep>? Read(JsonPlace place)
    {
        if (place.IsNull)
            return null;
        var steps = new List<DecoderStep>();
        Read(place, steps);
        return steps;
    }

    private static void Read(JsonPlace place, List<DecoderStep> steps)
    {
        string type = place["type"].Text();
        switch (type)
        {
            case "Sequence":
                foreach (JsonPlace item in place["decoders"].Items())
                    Read(item, steps);
                break;
            case "ByteLevel": steps.Add(new ByteLevelDecoder()); break;
            case "ByteFallback": steps.Add(new ByteFallbackDecoder()); break;
            case "Fuse": steps.Add(new FuseDecoder()); break;
            case "Strip":
                steps.Add(new StripDecoder(
                    place["content"].Character(), place["start"].Number(0, int.MaxValue), place["stop"].Number(0, int.MaxValue)));
                break;
            case "Replace":
                steps.Add(new ReplaceDecoder(PatternReader.Read(place["pattern"]), place["content"].Text()));
                break;
            case "Metaspace":
                steps.Add(new MetaspaceDecoder(place["replacement"].Character(), PreTokenizerReader.ReadScheme(place)));
                break;
            case "BPEDecoder":
                steps.Add(new WordSuffixDecoder(place["suffix"].Text()));
                break;
            default:
                throw place["type"].Refuse($"'{type}'", Supported);
        }
    }
}
