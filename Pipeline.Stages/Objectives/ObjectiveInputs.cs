using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// What the models say about one batch: only what the <see cref="ObjectiveNeeds"/> of the objectives ask for. N = rows · length flat student positions,
/// row-major. Entries at padding are finite, but otherwise arbitrary.
/// </summary>
internal sealed record ObjectiveInputs
{
    public required BatchTables Tables { get; init; }

    /// <summary>The tables of all batches of the step, this one included; null where the step has no other.</summary>
    public IReadOnlyList<BatchTables>? Step { get; init; }

    /// <summary>[N] the student's log p(token i | tokens before i), at most 0; 0 at the first position of a row and at padding.</summary>
    public Tensor? LogLikelihood_N { get; init; }

    /// <summary>[N] the student's log boundary mass after position i, at most 0.</summary>
    public Tensor? LogBoundary_N { get; init; }

    /// <summary>[N, H] the student's hidden states, by layer as in <see cref="IObjective.Layers"/>.</summary>
    public IReadOnlyDictionary<int, Tensor> Hidden_NH { get; init; } = new Dictionary<int, Tensor>();

    /// <summary>[N, V] the student's logits. Those of ids that are no token are at most -1e30.</summary>
    public Tensor? Logits_NV { get; init; }

    /// <summary>[V, H] the student's output embeddings.</summary>
    public Tensor? OutputEmbeddings_VH { get; init; }

    /// <summary>[] the sum of KL(teacher, student) over the entries of <see cref="BatchTables.Bytes"/>.</summary>
    public Tensor? ByteDivergence { get; init; }

    /// <summary>What a teacher that runs alongside the student says.</summary>
    public TeacherInputs? Teacher { get; init; }

    /// <summary>The tensor itself. Where it is null, the trainer has a bug: it left out what an objective needs.</summary>
    /// <exception cref="InvalidOperationException">The tensor is null.</exception>
    public static Tensor Require(Tensor? tensor, string objective, string name)
        => tensor ?? throw new InvalidOperationException($"objective '{objective}' needs {name}, and it was not given");
}

/// <summary>What a teacher that runs alongside the student says. M = rows · teacher length flat teacher positions. Without gradients.</summary>
internal sealed record TeacherInputs
{
    /// <summary>[M, Ht] the teacher's hidden states, by layer as in <see cref="IObjective.TeacherLayers"/>.</summary>
    public IReadOnlyDictionary<int, Tensor> Hidden_MH { get; init; } = new Dictionary<int, Tensor>();

    /// <summary>[M, Vt] the teacher's logits. Those of ids that are no token are at most -1e30.</summary>
    public Tensor? Logits_MV { get; init; }

    /// <summary>[Vt, Ht] the teacher's output embeddings.</summary>
    public Tensor? OutputEmbeddings_VH { get; init; }
}
