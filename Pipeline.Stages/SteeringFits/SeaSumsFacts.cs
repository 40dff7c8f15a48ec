using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What is known of a folder of sums from the headers of its files.</summary>
/// <param name="Demonstrations">The number of demonstrations in all parts.</param>
/// <param name="Place">Where activations were read.</param>
/// <param name="Map">The feature map.</param>
/// <param name="Layers">The layers, in ascending order.</param>
/// <param name="Width">The width of an activation.</param>
/// <param name="Parts">The number of parts.</param>
/// <param name="MadeFrom">What the sums were made from, by name: input, model, tokenizer, template, base.</param>
public sealed record SeaSumsFacts(long Demonstrations, string Place, string Map, IReadOnlyList<int> Layers, int Width, int Parts, IReadOnlyDictionary<string, string> MadeFrom)
{
    /// <summary>Whether a folder contains sums.</summary>
    public static bool IsIn(IStorage storage, string folder) => SumsFolder.IsIn(storage, folder);

    /// <summary>Reads the headers.</summary>
    /// <exception cref="Contracts.Errors.AlmException">The folder is damaged, incomplete, or of a version that this program does not read.</exception>
    public static SeaSumsFacts Read(IStorage storage, string folder)
    {
        IReadOnlyList<SumsHeader> headers = new SumsFolder(storage, folder).Read();
        SumsHeader first = headers[0];
        return new SeaSumsFacts(headers.Sum(h => h.Demonstrations), first.Place.ToString(), first.Map.ToString(), first.Layers, first.Width, first.Parts, first.MadeFrom);
    }
}
