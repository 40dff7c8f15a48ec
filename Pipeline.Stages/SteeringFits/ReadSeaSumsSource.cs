using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Reads the layers of a folder of sums, in order. No model is needed.</summary>
internal sealed class ReadSeaSumsSource(ReadSeaSumsOptions options, string folder, string name, IStorage storage) : ISource<LayerSums>
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadSeaSumsOptions, LayerSums, ReadSeaSumsSource>(
        "read-sea-sums", "Reads the sums that fit-sea wrote, layer by layer, for project-sea.",
        static (o, c) => new ReadSeaSumsSource(o, RunPaths.Input(c.RunFolder, o.From), c.StageName, c.Storage))
        .Ruled<ReadSeaSumsOptions>(static (o, c) => RunNames.Fault(o.From, c, OutputKind.Sums) is { } fault ? [new RuleFinding("from", $"'from': {fault}")] : []);

    public async IAsyncEnumerable<LayerSums> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var sums = new SumsFolder(storage, folder);
        IReadOnlyList<SumsHeader> headers = sums.Read();
        sums.Verify(cancellationToken);
        foreach (int layer in Layers(headers[0]))
            yield return new LayerSums(sums, headers, layer);
    }

    /// <summary>The layers to read, in ascending order.</summary>
    /// <exception cref="DefinitionException">A layer was not summed, or is named twice.</exception>
    private IReadOnlyList<int> Layers(SumsHeader header)
    {
        if (options.Layers is not { } asked)
            return header.Layers;
        // Layers can be counted from the end only if the number of layers is known; the sums record it.
        int count = int.Parse(header.MadeFrom[SumsHeader.ModelLayers], System.Globalization.CultureInfo.InvariantCulture);
        int[] layers = [.. asked.Select(l => l < 0 ? count + l : l).Order()];
        return layers.Length > 0 && layers.Distinct().Count() == layers.Length && layers.All(header.Layers.Contains)
            ? layers
            : throw new DefinitionException($"stage '{name}': 'layers' is [{string.Join(", ", asked)}]; the sums in {folder} have layers {string.Join(", ", header.Layers)} of {count}, and each may be named once");
    }
}
