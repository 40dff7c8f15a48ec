namespace Pipeline.Stages.Models;

/// <summary>Which weights of a model are trained.</summary>
public enum TrainablePart
{
    /// <summary>No weight is trained.</summary>
    Nothing,

    /// <summary>All weights of the model itself. Adapters stay as they are.</summary>
    Full,

    /// <summary>The input embeddings and the head.</summary>
    Embeddings,

    /// <summary>Only the low-rank adapters; see <see cref="CausalLm.AddLora"/>.</summary>
    Lora,

    /// <summary>The adapters, the input embeddings and the head: for a new vocabulary on a model that is otherwise frozen.</summary>
    LoraAndEmbeddings,
}
