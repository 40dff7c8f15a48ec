using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What a folder of sums says about itself; reads the headers alone.</summary>
/// <param name="Demonstrations">Over all parts.</param>
/// <param name="Place">Where activations were read.</param>
/// <param name="Map">The feature map.</param>
/// <param name="Layers">Ascending.</param>
/// <param name="Width">Of an activation.</param>
/// <param name="Parts">How many.</param>
/// <param name="MadeFrom">Name to value: input, model, tokenizer, base.</param>
public sealed record SeaSumsFacts(long Demonstrations, string Place, string Map, IReadOnlyList<int> Layers, int Width, int Parts, IReadOnlyDictionary<string, string> MadeFrom)
{
    public static bool IsIn(IStorage storage, string folder) => SumsFolder.IsIn(storage, folder);

    /// <exception cref="Contracts.Errors.AlmException">It is damaged, not complete, or of a version this program does not read.</exception>
    public static SeaSumsFacts Read(IStorage storage, string folder)
    {
        IReadOnlyList<SumsHeader> headers = new SumsFolder(storage, folder).Read();
        SumsHeader first = headers[0];
        return new SeaSumsFacts(headers.Sum(h => h.Demonstrations), first.Place.ToString(), first.Map.ToString(), first.Layers, first.Width, first.Parts, first.MadeFrom);
    }
}
