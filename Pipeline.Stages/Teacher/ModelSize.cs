using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>Estimates what a model costs, from its configuration alone. The figures are for plans and are not measured.</summary>
/// <param name="Config">The model's configuration.</param>
internal sealed record ModelSize(ModelConfig Config)
{
    /// <summary>How many vectors of the hidden size, and how many of the MLP's inner size, autograd keeps for each token in a layer.</summary>
    private const int HiddenCopies = 12, InnerCopies = 4;

    /// <summary>The number of parameters.</summary>
    public long Parameters => Sum(_ => true);

    /// <summary>The number of parameters in the input and output embeddings, counted once where they are tied.</summary>
    public long Embeddings => Sum(name => name is WeightNames.Embedding or WeightNames.Head);

    /// <summary>
    /// Floating-point operations of a forward pass: two for each token and each weight that it is multiplied by, and attention, which covers half the
    /// length on average.
    /// </summary>
    /// <param name="tokens">The number of tokens in all sequences.</param>
    /// <param name="length">The number of tokens in a sequence; 0 leaves attention out.</param>
    public double ForwardOperations(double tokens, double length)
    {
        double multiplied = Parameters - (Config.TieWordEmbeddings ? 0 : (double)Config.VocabularySize * Config.HiddenSize);
        return tokens * (2 * multiplied + 2.0 * Config.Layers * Config.Heads * Config.HeadDim * length);
    }

    /// <summary>Bytes of the activations that autograd keeps in one layer.</summary>
    /// <param name="tokens">The number of tokens in a batch.</param>
    /// <param name="bytes">The bytes of one value.</param>
    public double LayerBytes(double tokens, int bytes) => tokens * bytes * (HiddenCopies * (double)Config.HiddenSize + InnerCopies * (double)Config.IntermediateSize);

    /// <summary>
    /// Bytes that the vocabulary head needs for a slice of the positions: three float32 matrices of its positions by the vocabulary, namely the logits,
    /// what is computed from them, and a temporary one.
    /// </summary>
    public double HeadSliceBytes(long tokens, RunDefinition definition)
        => 3.0 * sizeof(float) * Config.VocabularySize * Math.Min(tokens, HeadProblem.SliceRows(tokens, Config.VocabularySize, Config.HiddenSize, 2, definition.Device == DeviceChoice.Cuda));

    /// <summary>Bytes of one hidden state for each token.</summary>
    /// <param name="tokens">The number of tokens.</param>
    /// <param name="bytes">The bytes of one value.</param>
    public double StateBytes(double tokens, int bytes) => tokens * bytes * Config.HiddenSize;

    /// <summary>The number of parameters in the low-rank updates (LoRA) of the projections that the options name.</summary>
    public long Adapters(LoraOptions options)
    {
        HashSet<string> targets = [.. options.Targets.SelectMany(target => WeightLayout.Projections(Config.Family, target))];
        return WeightNames.All(Config).Where(w => w.Shape.Length == 2 && targets.Contains(WeightLayout.ShortName(w.Name))).Sum(w => options.Rank * (w.Shape[0] + w.Shape[1]));
    }

    /// <summary>The size of a model that a definition names; null if it names none, or if its folder has no configuration yet.</summary>
    /// <param name="path">The model's folder, or a configuration file by itself, as the definition writes it.</param>
    /// <param name="run">The run that has the definition.</param>
    public static ModelSize? TryOf(string? path, RunSite run)
    {
        if (path is null) return null;
        string full = run.Input(path);
        string folder = run.Storage.FileExists(full) ? Path.GetDirectoryName(full)! : full;
        if (folder == full) return run.Storage.FileExists(Path.Combine(full, ModelConfig.FileName)) ? new ModelSize(ModelConfig.Load(full, run.Storage)) : null;
        using var reader = new StreamReader(run.Storage.OpenRead(full));
        return new ModelSize(ModelConfig.Parse(reader.ReadToEnd(), full));
    }

    /// <summary>The bytes of a weight or an activation on the device that the definition asks for.</summary>
    public static int BytesPerValue(RunDefinition definition) => definition.Device == DeviceChoice.Cuda ? 2 : 4;

    private long Sum(Func<string, bool> counts) => WeightNames.All(Config).Where(w => counts(w.Name)).Sum(w => w.Shape.Aggregate(1L, (a, b) => a * b));
}
