using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// What the models say about one batch. N = rows · length flat student positions, row-major; entries at padding are finite and
/// otherwise arbitrary. Only what the objectives' <see cref="ObjectiveNeeds"/> ask for is given.
/// </summary>
internal sealed record ObjectiveInputs
{
    public required BatchTables Tables { get; init; }

    /// <summary>The tables of all batches that the step accumulates, this one among them; null when it is the only one.</summary>
    public IReadOnlyList<BatchTables>? Step { get; init; }

    /// <summary>[N] entry i is log p(token i | tokens before i) ≤ 0; 0 at the first position of a row and at padding.</summary>
    public Tensor? LogLikelihood_N { get; init; }

    /// <summary>[N] log mass of boundary tokens in the distribution that follows position i, ≤ 0.</summary>
    public Tensor? LogBoundary_N { get; init; }

    /// <summary>[N, H] per student layer asked for, keyed as in <see cref="IObjective.Layers"/>.</summary>
    public IReadOnlyDictionary<int, Tensor> Hidden_NH { get; init; } = new Dictionary<int, Tensor>();

    /// <summary>[N, V] the student's logits; those of ids that no token has are at most -1e30.</summary>
    public Tensor? Logits_NV { get; init; }

    /// <summary>[V, H] the student's output embeddings.</summary>
    public Tensor? OutputEmbeddings_VH { get; init; }

    /// <summary>[] Σ over the entries of <see cref="BatchTables.Bytes"/> of KL(teacher, student).</summary>
    public Tensor? ByteDivergence { get; init; }

    /// <summary>The teacher run beside the student.</summary>
    public TeacherInputs? Teacher { get; init; }

    /// <summary>The tensor or a message that names it: a trainer that left it out is wrong.</summary>
    public static Tensor Require(Tensor? tensor, string objective, string name)
        => tensor ?? throw new InvalidOperationException($"objective '{objective}' needs {name}, and it was not given");
}

/// <summary>What a teacher run beside the student says. M = rows · teacher length flat teacher positions. No gradients.</summary>
internal sealed record TeacherInputs
{
    /// <summary>[M, Ht] per teacher layer asked for.</summary>
    public IReadOnlyDictionary<int, Tensor> Hidden_MH { get; init; } = new Dictionary<int, Tensor>();

    /// <summary>[M, Vt]; those of ids that no token has are at most -1e30.</summary>
    public Tensor? Logits_MV { get; init; }

    /// <summary>[Vt, Ht] the teacher's output embeddings.</summary>
    public Tensor? OutputEmbeddings_VH { get; init; }
}
