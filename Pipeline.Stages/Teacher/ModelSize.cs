using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Teacher;

/// <summary>What a model costs, from its configuration alone: estimates for a plan, not measurements.</summary>
internal sealed record ModelSize(ModelConfig Config)
{
    /// <summary>Float32 copies of one layer's activations per token, in multiples of the hidden and of the inner size: what autograd keeps.</summary>
    private const int HiddenCopies = 12, InnerCopies = 4;

    public long Parameters => Sum(_ => true);

    public long Embeddings => Sum(name => name is WeightNames.Embedding or WeightNames.Head);

    /// <summary>Of a pass forward: two per weight that a token is multiplied with, and attention over half the length.</summary>
    public double ForwardOperations(double tokens, double length)
    {
        double multiplied = Parameters - (Config.TieWordEmbeddings ? 0 : (double)Config.VocabularySize * Config.HiddenSize);
        return tokens * (2 * multiplied + 2.0 * Config.Layers * Config.Heads * Config.HeadDim * length);
    }

    /// <summary>Bytes of one layer's activations.</summary>
    public double LayerBytes(double tokens, int bytes) => tokens * bytes * (HiddenCopies * (double)Config.HiddenSize + InnerCopies * (double)Config.IntermediateSize);

    /// <summary>Bytes of the vocabulary head's slices: logits, what they are multiplied with, and a matrix that comes and goes.</summary>
    public double HeadSliceBytes(long tokens, RunDefinition definition)
        => 3.0 * sizeof(float) * Config.VocabularySize * Math.Min(tokens, HeadProblem.SliceRows(tokens, Config.VocabularySize, Config.HiddenSize, 2, definition.Device == DeviceChoice.Cuda));

    /// <summary>Bytes of one hidden state per token.</summary>
    public double StateBytes(double tokens, int bytes) => tokens * bytes * Config.HiddenSize;

    /// <summary>Low-rank updates of the projections named.</summary>
    public long Adapters(LoraOptions options)
    {
        HashSet<string> targets = [.. options.Targets.SelectMany(target => WeightLayout.Projections(Config.Family, target))];
        return WeightNames.All(Config).Where(w => w.Shape.Length == 2 && targets.Contains(WeightLayout.ShortName(w.Name))).Sum(w => options.Rank * (w.Shape[0] + w.Shape[1]));
    }

    /// <summary>Null if there is no configuration to read yet.</summary>
    public static ModelSize? TryOf(string? path, RunSite run)
    {
        if (path is null) return null;
        string full = run.Input(path);
        string folder = run.Storage.FileExists(full) ? Path.GetDirectoryName(full)! : full;
        if (folder == full) return run.Storage.FileExists(Path.Combine(full, ModelConfig.FileName)) ? new ModelSize(ModelConfig.Load(full, run.Storage)) : null;
        using var reader = new StreamReader(run.Storage.OpenRead(full));
        return new ModelSize(ModelConfig.Parse(reader.ReadToEnd(), full));
    }

    /// <summary>Of a weight or an activation on the device that the definition asks for.</summary>
    public static int BytesPerValue(RunDefinition definition) => definition.Device == DeviceChoice.Cuda ? 2 : 4;

    private long Sum(Func<string, bool> counts) => WeightNames.All(Config).Where(w => counts(w.Name)).Sum(w => w.Shape.Aggregate(1L, (a, b) => a * b));
}
