namespace Pipeline.Stages.Gguf;

/// <summary>Types of a tensor's elements that are written and read here, by ggml's number.</summary>
public enum GgufType : uint
{
    F32 = 0,
    F16 = 1,

    /// <summary>Blocks of 32: a float16 scale and 32 signed bytes.</summary>
    Q8_0 = 8,

    BF16 = 30,
}
