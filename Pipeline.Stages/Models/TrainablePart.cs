namespace Pipeline.Stages.Models;

/// <summary>Which weights of a model are trained.</summary>
public enum TrainablePart
{
    /// <summary>None: the model is only read.</summary>
    Nothing,

    Full,

    /// <summary>Input embeddings and the head.</summary>
    Embeddings,

    /// <summary>Low-rank adapters only; see <see cref="CausalLm.AddLora"/>.</summary>
    Lora,

    /// <summary>Adapters, and input embeddings and the head: a new vocabulary on a frozen body.</summary>
    LoraAndEmbeddings,
}
