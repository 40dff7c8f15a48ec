using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Pipeline.Host.Tests.Architecture;

/// <summary>
/// Which room uses which inside one assembly, read from its metadata and from the instructions of its methods, so that a full name, a
/// type that is only returned and a type of a generic argument count as much as a <c>using</c>. A room is a namespace, without the assembly's
/// own first two words. (What the compiler writes into the place of its use leaves no trace: constants and <c>nameof</c>.)
/// </summary>
internal sealed class RoomUses : ISignatureTypeProvider<ImmutableArray<TypeDefinitionHandle>, object?>
{
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields()
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value & 0xffff, o => o.OperandType);

    private readonly MetadataReader _reader;
    private readonly PEReader _file;
    private readonly string _root;
    private readonly Dictionary<(string From, string To), SortedSet<string>> _uses = [];
    private TypeDefinitionHandle _from;

    private RoomUses(PEReader file, string root) => (_file, _reader, _root) = (file, file.GetMetadataReader(), root);

    /// <summary>Pairs of rooms of which the first uses the second, with the uses: "type -> type".</summary>
    /// <param name="path">The assembly's file.</param>
    /// <param name="root">The namespace that its rooms are in.</param>
    public static IReadOnlyDictionary<(string From, string To), SortedSet<string>> Of(string path, string root)
    {
        using var file = new PEReader(File.OpenRead(path));
        var uses = new RoomUses(file, root);
        foreach (TypeDefinitionHandle type in uses._reader.TypeDefinitions) uses.Read(type);
        return uses._uses;
    }

    private void Read(TypeDefinitionHandle handle)
    {
        _from = handle;
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        Use(type.BaseType);
        foreach (InterfaceImplementationHandle i in type.GetInterfaceImplementations()) Use(_reader.GetInterfaceImplementation(i).Interface);
        Use(type.GetGenericParameters());
        foreach (FieldDefinitionHandle f in type.GetFields()) Use(_reader.GetFieldDefinition(f).DecodeSignature(this, null));
        foreach (CustomAttributeHandle a in type.GetCustomAttributes()) Use(_reader.GetCustomAttribute(a).Constructor);
        foreach (MethodDefinitionHandle m in type.GetMethods())
        {
            MethodDefinition method = _reader.GetMethodDefinition(m);
            Use(method.DecodeSignature(this, null));
            Use(method.GetGenericParameters());
            if (method.RelativeVirtualAddress != 0) Use(_file.GetMethodBody(method.RelativeVirtualAddress));
        }
    }

    private void Use(GenericParameterHandleCollection parameters)
    {
        foreach (GenericParameterHandle p in parameters)
            foreach (GenericParameterConstraintHandle c in _reader.GetGenericParameter(p).GetConstraints())
                Use(_reader.GetGenericParameterConstraint(c).Type);
    }

    private void Use(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil)
            foreach (ImmutableArray<TypeDefinitionHandle> local in _reader.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(this, null)) Use(local);
        foreach (ExceptionRegion region in body.ExceptionRegions) Use(region.CatchType);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int first = code.ReadByte();
            switch (Operands[first == 0xfe ? (first << 8) | code.ReadByte() : first])
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Use((EntityHandle)MetadataTokens.Handle(code.ReadInt32()));
                    break;
                case OperandType.InlineNone: break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar: code.ReadByte(); break;
                case OperandType.InlineVar: code.ReadInt16(); break;
                case OperandType.InlineI8 or OperandType.InlineR: code.ReadInt64(); break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                default: code.ReadInt32(); break;
            }
        }
    }

    private void Use(EntityHandle handle)
    {
        if (handle.IsNil) return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition: Use([(TypeDefinitionHandle)handle]); break;
            case HandleKind.TypeSpecification: Use(_reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null)); break;
            case HandleKind.FieldDefinition:
                FieldDefinition field = _reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                Use([field.GetDeclaringType()]);
                Use(field.DecodeSignature(this, null));
                break;
            case HandleKind.MethodDefinition:
                MethodDefinition method = _reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                Use([method.GetDeclaringType()]);
                Use(method.DecodeSignature(this, null));
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification made = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                Use(made.Method);
                foreach (ImmutableArray<TypeDefinitionHandle> argument in made.DecodeSignature(this, null)) Use(argument);
                break;
            case HandleKind.MemberReference:
                MemberReference member = _reader.GetMemberReference((MemberReferenceHandle)handle);
                Use(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Method) Use(member.DecodeMethodSignature(this, null));
                else Use(member.DecodeFieldSignature(this, null));
                break;
        }
    }

    private void Use(MethodSignature<ImmutableArray<TypeDefinitionHandle>> signature)
    {
        Use(signature.ReturnType);
        foreach (ImmutableArray<TypeDefinitionHandle> parameter in signature.ParameterTypes) Use(parameter);
    }

    private void Use(ImmutableArray<TypeDefinitionHandle> types)
    {
        (string? from, string user) = Place(_from);
        foreach (TypeDefinitionHandle type in types)
        {
            (string? to, string used) = Place(type);
            if (from is null || to is null || from == to) continue;
            if (!_uses.TryGetValue((from, to), out SortedSet<string>? named)) _uses[(from, to)] = named = [];
            named.Add($"{user} -> {used}");
        }
    }

    /// <summary>The room and the name of the outermost type; no room for what the compiler made for the whole assembly.</summary>
    private (string? Room, string Name) Place(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = _reader.GetTypeDefinition(type.GetDeclaringType());
        string space = _reader.GetString(type.Namespace);
        string? room = space == _root ? "" : space.StartsWith(_root + ".", StringComparison.Ordinal) ? space[(_root.Length + 1)..] : null;
        return (room, _reader.GetString(type.Name));
    }

    public ImmutableArray<TypeDefinitionHandle> GetArrayType(ImmutableArray<TypeDefinitionHandle> elementType, ArrayShape shape) => elementType;
    public ImmutableArray<TypeDefinitionHandle> GetByReferenceType(ImmutableArray<TypeDefinitionHandle> elementType) => elementType;
    public ImmutableArray<TypeDefinitionHandle> GetFunctionPointerType(MethodSignature<ImmutableArray<TypeDefinitionHandle>> signature)
        => [.. signature.ReturnType, .. signature.ParameterTypes.SelectMany(p => p)];
    public ImmutableArray<TypeDefinitionHandle> GetGenericInstantiation(ImmutableArray<TypeDefinitionHandle> genericType, ImmutableArray<ImmutableArray<TypeDefinitionHandle>> typeArguments)
        => [.. genericType, .. typeArguments.SelectMany(a => a)];
    public ImmutableArray<TypeDefinitionHandle> GetGenericMethodParameter(object? genericContext, int index) => [];
    public ImmutableArray<TypeDefinitionHandle> GetGenericTypeParameter(object? genericContext, int index) => [];
    public ImmutableArray<TypeDefinitionHandle> GetModifiedType(ImmutableArray<TypeDefinitionHandle> modifier, ImmutableArray<TypeDefinitionHandle> unmodifiedType, bool isRequired) => unmodifiedType;
    public ImmutableArray<TypeDefinitionHandle> GetPinnedType(ImmutableArray<TypeDefinitionHandle> elementType) => elementType;
    public ImmutableArray<TypeDefinitionHandle> GetPointerType(ImmutableArray<TypeDefinitionHandle> elementType) => elementType;
    public ImmutableArray<TypeDefinitionHandle> GetPrimitiveType(PrimitiveTypeCode typeCode) => [];
    public ImmutableArray<TypeDefinitionHandle> GetSZArrayType(ImmutableArray<TypeDefinitionHandle> elementType) => elementType;
    public ImmutableArray<TypeDefinitionHandle> GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => [handle];
    public ImmutableArray<TypeDefinitionHandle> GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => [];
    public ImmutableArray<TypeDefinitionHandle> GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
        => reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
}
